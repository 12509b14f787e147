/** Mistakes in `quotas` that no single value shows: halves of pairs, and TLS that nobody speaks. */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError } from '../language/errors.ts';
import { scalarText } from '../language/units.ts';
import { mapping } from './as-written.ts';
import { errorAt } from './explain.ts';

/** Each key needs the other. */
const pairs: readonly (readonly [there: string, missing: string])[] = [
  ['client_cert', 'client_key'],
  ['client_key', 'client_cert'],
];

/** A user without a password, a certificate without its key, and `tls` of a store without TLS. */
export function quotaConflicts(document: ConfigDocument): ConfigError[] {
  const quotas = mapping(mapping(document.value).quotas);
  const tls = mapping(quotas.tls);
  const errors = pairs.flatMap(([there, missing]) => {
    if (tls[there] === undefined || tls[missing] !== undefined) return [];
    const message = `"${scalarText(tls[there])}" stands alone; add quotas.tls.${missing}: PATH`;
    return [errorAt(document, ['quotas', 'tls', there], message)];
  });
  if (quotas.username !== undefined && quotas.password_file === undefined) {
    const message = `"${scalarText(quotas.username)}" has no password; add quotas.password_file: PATH, or remove it`;
    errors.push(errorAt(document, ['quotas', 'username'], message));
  }
  if (quotas.tls !== undefined && /^redis:/i.test(scalarText(quotas.store))) {
    const message = `does nothing, as "${scalarText(quotas.store)}" is without TLS; write rediss:// there, or remove it`;
    errors.push(errorAt(document, ['quotas', 'tls'], message, 'key'));
  }
  return errors;
}
