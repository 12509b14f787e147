/** Who a user is may not be taken from what holds a secret: it would be logged as the user's name. */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError, ConfigPath } from '../language/errors.ts';
import { listIn, mapping, writtenRoutes } from './as-written.ts';
import { errorAt } from './explain.ts';

const secretFields: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** Every place of the file that names a user by such a header. */
export function secretIdentities(document: ConfigDocument): ConfigError[] {
  return writtenRoutes(document).flatMap(({ at, route }) =>
    headersOf(at, route).flatMap(([path, header]) => {
      if (typeof header !== 'string' || !secretFields.has(header.toLowerCase())) return [];
      const message = `"${header}" holds a secret, which would be logged; write a header that holds a name, such as X-Forwarded-User`;
      return [errorAt(document, path, message)];
    }),
  );
}

function headersOf(at: ConfigPath, route: Readonly<Record<string, unknown>>): [path: ConfigPath, header: unknown][] {
  const ofKinds = listIn(route.auth).flatMap((entry, i): [ConfigPath, unknown][] => {
    const { header, forward } = mapping(entry);
    const { user_header: user, groups_header: groups } = mapping(forward);
    const here = [...at, 'auth', i];
    return [
      [[...here, 'header'], header],
      [[...here, 'forward', 'user_header'], user],
      [[...here, 'forward', 'groups_header'], groups],
    ];
  });
  return [[[...at, 'identity', 'header'], mapping(route.identity).header], ...ofKinds];
}
