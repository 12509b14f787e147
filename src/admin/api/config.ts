/** The configuration as the API shows it. Secrets stand in files, whose paths are shown and whose contents are not. */
import type { z } from 'zod';
import { withoutQuotes } from '../../config/language/errors.ts';
import type { ConfigState } from '../../config/live/state.ts';
import { sourcesByRoute } from '../../config/model/resolved.ts';
import type { Identity, Validation } from '../../config/types.ts';
import { withoutSecrets } from '../../observe/log/redaction.ts';
import { type Lazy, lazily } from '../sliced-json.ts';
import type { configInForceSchema } from './schemas.ts';
import { showRouteSettings, showTopSettings } from './settings.ts';

type Answer = z.infer<typeof configInForceSchema>;

/** The answer of `GET /api/config`. */
export function describeConfig({ config, resolved, loadedAtMs, needsRestart, lastError }: ConfigState): Lazy<Answer> {
  const sources = sourcesByRoute(resolved);
  const top: Omit<Answer, 'routes'> = {
    files: [...config.files],
    hash: config.hash,
    loaded_at: new Date(loadedAtMs).toISOString(),
    needs_restart: [...needsRestart],
    last_error: lastError && {
      at: new Date(lastError.atMs).toISOString(),
      errors: lastError.errors.map(withoutQuotes),
    },
    settings: showTopSettings(config, resolved?.sources ?? null),
  };
  const routes = lazily(config.routes, (route) =>
    redact<Answer['routes'][number]>({
      name: route.name,
      match: { hosts: [...route.hosts], path: route.path },
      upstream: route.upstream.href,
      preset: route.preset,
      origins: route.origins && [...route.origins],
      require_origin: route.requireOrigin,
      identity: route.identity && describeIdentity(route.identity),
      auth: route.auth?.map(({ kind }) => kind) ?? null,
      validate: { client: showValidation(route.validate.client), upstream: showValidation(route.validate.upstream) },
      settings: showRouteSettings(route, sources.get(route) ?? null),
    }),
  );
  return { ...redact(top), routes };
}

function showValidation(validation: Validation | null): Answer['routes'][number]['validate']['client'] {
  if (validation === null) return null;
  const { schemaFile, maxTextBytes, maxDepth, binary, action } = validation;
  return { json_schema: schemaFile, max_size: maxTextBytes, max_depth: maxDepth, binary, action };
}

function describeIdentity(identity: Identity): { header: string } | { path: string } {
  if ('header' in identity) return { header: identity.header };
  return { path: `/${identity.segments.map((segment) => segment ?? '*').join('/')}` };
}

/** Keys whose values nobody shall see. Paths of files are no secrets. */
const secretKey = /(?:token|secret|password|passwd|api_?key|private_?key|credential)s?$/i;

/** Returns the value without anything that looks like a token, however it came there. */
export function redact<T>(value: T): T {
  return redactAny(value) as T;
}

function redactAny(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(redactAny);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, secretKey.test(key) ? '[redacted]' : redactAny(inner)]),
  );
}
