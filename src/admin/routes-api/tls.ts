/**
 * What the files of `routes_api.tls` hold: the certificate of the listener, and the authorities of its clients. No I/O.
 */
import type { TlsOptions } from 'node:tls';
import type { Result } from '../../config/language/result.ts';
import type { FileContent } from '../../config/live/read.ts';
import { judgePair } from '../../config/live/tls-pair.ts';
import { judgeAuthorities } from '../../config/live/upstream-files.ts';
import type { RoutesApi } from '../../config/types.ts';

type ApiTls = NonNullable<RoutesApi['tls']>;

const keys = { section: 'routes_api.tls', cert: 'routes_api.tls.cert', key: 'routes_api.tls.key' };

/** The paths that are named, in the order in which `judgeApiTls` takes their contents. */
export function apiTlsPaths({ cert, key, clientCa }: ApiTls): string[] {
  return clientCa === null ? [cert, key] : [cert, key, clientCa];
}

/** Judges what the files hold; `problem` names the key, the file and the remedy. */
export function judgeApiTls([cert, key, ca]: readonly FileContent[]): Result<TlsOptions> {
  const pair = judgePair(cert!, key!, keys);
  if ('problem' in pair) return pair;
  const own = { cert: pair.value.cert, key: pair.value.key };
  if (ca === undefined) return { value: own };
  const authorities = judgeAuthorities(ca, 'routes_api.tls.client_ca');
  if ('problem' in authorities) return authorities;
  return { value: { ...own, ca: [...authorities.value.pems], requestCert: true, rejectUnauthorized: true } };
}
