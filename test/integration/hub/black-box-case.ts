/** A request to a hub's proxy, and how they are written down. */

export interface Case {
  readonly name: string;
  readonly to: 'api' | 'public';
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
  /** Of a handshake, what both answer. */
  readonly status?: string;
}

type More = Partial<Pick<Case, 'headers' | 'body'>> & { readonly as?: string };

/** Stand for the targets, whose ports are known later. */
export const target = '{target}';
export const deadTarget = 'http://127.0.0.1:1';

export const token = 'Authorization: token {token}';

export function one(
  to: Case['to'],
  method: string,
  path: string,
  { as = '', headers = [], body = '' }: More = {},
): Case {
  const all = to === 'api' && headers.length === 0 ? [token] : headers;
  return { name: `${to}: ${method} ${path}${as && ` (${as})`}`, to, method, path, headers: all, body };
}

export const get = (path: string, more?: More) => one('api', 'GET', `/api/routes${path}`, more);
export const del = (path: string, more?: More) => one('api', 'DELETE', `/api/routes${path}`, more);
export const post = (path: string, body: object | string = {}, more?: More) =>
  one('api', 'POST', `/api/routes${path}`, {
    body: typeof body === 'string' ? body : JSON.stringify({ target, ...body }),
    ...more,
  });
export const visit = (path: string, more?: More & { readonly method?: string }) =>
  one('public', more?.method ?? 'GET', path, more);
export const wiped = (...paths: string[]) => paths.map((path) => del(path, { as: 'at the end' }));
