/** Where clients and servers put secrets: each place as it stands in a request. */
const twice = (text: string) => encodeURIComponent(encodeURIComponent(text));
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');
/** Every character escaped. */
const escaped = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
const jwt = (secret: string) =>
  `${base64url('{"alg":"HS256"}')}.${base64url(JSON.stringify({ sub: secret }))}.${base64url(secret)}`;

/** A place of a secret, and what of it must not be seen. */
export interface Place {
  readonly text: string;
  readonly secrets: readonly string[];
}

const place = (text: string, ...secrets: string[]): Place => ({ text, secrets });

/** Paths, with or without what follows them, that hold the secret. */
export function secretPaths(secret: string): readonly Place[] {
  const names = [
    'token',
    'access_token',
    'id-token',
    'X-Amz-Signature',
    'pw',
    'pwd',
    'passwd',
    'password',
    'key',
    'api_key',
  ];
  const more = [
    'apikey',
    'credential',
    'sid',
    'jsessionid',
    'PHPSESSID',
    'auth',
    'code',
    'sig',
    'jwt',
    'secret',
    'ticket',
  ];
  const plain = (text: string) => place(text, secret);
  return [
    ...[...names, ...more].flatMap((name) => [
      plain(`/app/${name}=${secret}`),
      plain(`/app;${name}=${secret}/ws`),
      plain(`/app?${name}=${secret}`),
      plain(`/app/${name}%3D${secret}`),
      plain(`/app/${name}%253d${secret}`),
      plain(`/app/${escaped(name)}=${secret}`),
      plain(`/app%3f${name}%3d${secret}`),
      plain(`/app/${name.toUpperCase()}=${secret}`),
      plain(`/app/x&${name}=${secret}&y`),
    ]),
    ...['token', 'access_token', 'secret', 'password', 'key', 'jwt', 'sid', 'credentials', 'api-key'].flatMap(
      (name) => [
        plain(`/app/${name}/${secret}`),
        plain(`/app/${name}/${secret}/more`),
        plain(`/app/${name}%2F${secret}`),
        plain(`/app/${name}%252F${secret}/x`),
        plain(`/app/${escaped(name)}/${secret}`),
        plain(`/app/${name}:${secret}`),
        plain(`/app/${name}%3A${secret}`),
        plain(`/app/${name}//${secret}`),
        plain(`/app\\${name}\\${secret}`),
      ],
    ),
    ...['token', 'Bearer', 'secret', 'password', 'api_key', 'credential', 'sid'].flatMap((name) =>
      ['-', '.', '_', '~', '%20', '+', '%C0%BD'].map((between) => plain(`/app/${name}${between}${secret}`)),
    ),
    ...['t', 'x', 'session', '_sess', 'mypw', 'userkey', 'tok%00en', 'token%20', 'token+'].map((name) =>
      plain(`/app/${name}=${secret}`),
    ),
    plain(`/app/token%EF%BC%9D${secret}`),
    plain(`/app/token%u003d${secret}`),
    plain(`/app/token%25252525253D${secret}`),
    plain(`/app/%22token%22:%22${secret}%22`),
    plain(`/app/{"token":"${secret}"}`),
    plain(`/app/{"password" : "${secret}"}`),
    plain(`/app/Authorization: token ${secret}`),
    plain(`/app;${secret}`),
    plain(`/app/;${secret}/ws`),
    plain(`/app/tokens/${secret}`),
    plain(`/app/token=a/${secret}`),
    plain(`/app/token%3Da%2F${secret}`),
    plain(`/app/token[]=${secret}`),
    plain(`/app/user[token]=${secret}`),
    plain(`/app;v=${secret}`),
    plain(`/app?x=${secret}`),
    plain(`/app#${secret}`),
    plain(`/app%3Fx=${secret}`),
    plain(`/app%23${secret}`),
    plain(`/proxy/http://user:${secret}@host/x`),
    plain(`/proxy/http:%2F%2Fuser:${secret}%40host/x`),
    plain(`/proxy/https%3A%2F%2F${twice(`user:${secret}@host`)}/x`),
    plain(`http://user:${secret}@host/x`),
    plain(`/${secret}:${secret}@host/x`),
    place(`/app/${base64(`token=${secret}`)}`, secret, base64(`token=${secret}`)),
    place(`/app/${base64url(`user:${secret}`)}`, secret, base64url(`user:${secret}`)),
    place(`/app/${encodeURIComponent(base64(`user:${secret}`))}`, secret, base64(`user:${secret}`)),
    place(`/app/${Buffer.from(`key=${secret}`).toString('hex')}`, Buffer.from(`key=${secret}`).toString('hex')),
    ...[jwt(secret), `x.${jwt(secret)}`, `v1-${jwt(secret)}`, encodeURIComponent(jwt(secret))].map((text) =>
      place(`/app/${text}/ws`, base64url(secret), base64url(JSON.stringify({ sub: secret }))),
    ),
  ];
}

/** Subprotocols that hold the secret and that a server may choose. */
export function secretSubprotocols(secret: string): readonly Place[] {
  const texts = [
    secret,
    `Bearer.${secret}`,
    `token.${secret}`,
    `access_token-${secret}`,
    `v1.token.websocket.jupyter.org.${secret}`,
    `base64url.bearer.authorization.k8s.io.${base64url(secret)}`,
    `bokeh.${secret}`,
    `graphql-ws.${secret}`,
  ];
  return [...texts.map((text) => place(text, secret, base64url(secret))), place(jwt(secret), base64url(secret))];
}

/** `Host` headers, most of them wrong, that hold the secret. */
export function secretHosts(secret: string): readonly Place[] {
  const hosts = [`user:${secret}@host`, `${secret}@host`, `a@b:${secret}@host`, `user:${secret}@`, `token=${secret}`];
  return [...hosts, `user:${secret}%40host`, `host/token/${secret}`, `host?x=${secret}`].map((text) =>
    place(text, secret),
  );
}

/** Origins that hold the secret. */
export function secretOrigins(secret: string): readonly Place[] {
  const origins = [`https://user:${secret}@host`, `https://host/?token=${secret}`, `https://host/token/${secret}`];
  return [...origins, `token=${secret}`, `Bearer ${secret}`].map((text) => place(text, secret));
}
