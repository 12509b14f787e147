import { describe, expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { findWarnings } from '../../../../src/config/model/warnings.ts';

const jwt = 'issuer: https://id.test, audience: [panel]';
const fileJwt = `{jwt: {${jwt}, jwks_file: /k}}`;
const hub = '{jupyterhub: {api_url: "http://hub/hub/api", token_file: /t, service: x}}';

function load(auth: string, more = '', top = '') {
  return loadConfig('f', `${top}\nroutes:\n  - {name: a, upstream: "http://h", auth: ${auth}, ${more}}\n`);
}

function routeOf(auth: string, more = '') {
  const loaded = load(auth, more);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return loaded.config.routes[0]!;
}

function errorsOf(auth: string, more = ''): string[] {
  const loaded = load(auth, more);
  return 'errors' in loaded ? loaded.errors.map(({ path, message }) => `${path}: ${message}`) : [];
}

function templateErrorsOf(keys: string): string[] {
  const templates = `[{name: t, kind: other, ${keys}}]`;
  const loaded = loadConfig('f', `routes_api: {address: "127.0.0.1:0", templates: ${templates}}\n`);
  return 'errors' in loaded ? loaded.errors.map(({ path, message }) => `${path}: ${message}`) : [];
}

function warningsOf(auth: string, more = '', top = 'listen: {trusted_proxies: [10.0.0.0/8]}'): string[] {
  const loaded = load(auth, more, top);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return findWarnings(loaded.resolved)
    .filter(({ subject }) => subject === 'a')
    .map(({ message }) => message);
}

describe('what holds', () => {
  test('without auth', () => {
    const loaded = loadConfig('f', 'routes: [{name: a, upstream: "http://h"}]');
    expect('config' in loaded && loaded.config.routes[0]).toMatchObject({
      auth: null,
      identityHeaders: { user: null, groups: null },
    });
    expect('config' in loaded && loaded.config.revokedUsers).toBeNull();
  });

  test('of a token, with nothing said and with everything said', () => {
    expect(routeOf(`[{jwt: {${jwt}, jwks: "https://id.test:8443/keys?x=1"}}]`).auth).toEqual([
      {
        kind: 'jwt',
        issuer: 'https://id.test',
        audience: ['panel'],
        algorithms: ['RS256'],
        jwks: {
          target: { protocol: 'https:', host: 'id.test', port: 8443, href: 'https://id.test:8443' },
          path: '/keys?x=1',
          tls: { ca: null, serverName: null, clientCert: null, clientKey: null, insecureSkipVerify: false },
        },
        jwksFile: null,
        jwksMs: 600_000,
        leewayMs: 30_000,
        claims: [],
        userClaim: 'sub',
        groupsClaim: 'groups',
        from: [{ in: 'authorization' }],
        forward: false,
        closesOnExpiry: true,
      },
    ]);
    const all =
      'algorithms: [ES256, EdDSA], jwks_file: /k, ca: /ca, cache: 1m, leeway: off, user_claim: email, groups_claim: roles, ' +
      'claims: {groups: [x, 1], email_verified: true, hd: any}, forward: true, on_expiry: ignore, ' +
      'from: [authorization, subprotocol, {header: X-Token}, {cookie: tok}, {query: t}]';
    expect(routeOf(`[{jwt: {${jwt}, ${all}}}]`).auth).toMatchObject([
      {
        algorithms: ['ES256', 'EdDSA'],
        jwks: null,
        jwksFile: '/k',
        jwksMs: 60_000,
        leewayMs: 0,
        claims: [
          ['groups', ['x', '1']],
          ['email_verified', ['true']],
          ['hd', null],
        ],
        userClaim: 'email',
        groupsClaim: 'roles',
        from: [
          { in: 'authorization' },
          { in: 'subprotocol' },
          { in: 'header', name: 'x-token' },
          { in: 'cookie', name: 'tok' },
          { in: 'query', name: 't' },
        ],
        forward: true,
        closesOnExpiry: false,
      },
    ]);
  });

  test('of the other kinds, in their order', () => {
    const auth =
      '[{header: X-Remote-User}, {basic: {file: /u}}, {bearer: {file: /t, forward: true}}, ' +
      '{forward: {url: "http://[::1]/auth", response_headers: [X-Email], cache: 5s, recheck: 5m, ca: /ca}}]';
    expect(routeOf(auth, 'identity_headers: {user: X-User, groups: X-Groups}')).toMatchObject({
      identityHeaders: { user: 'X-User', groups: 'X-Groups' },
      auth: [
        { kind: 'header', name: 'x-remote-user' },
        { kind: 'basic', file: '/u', forward: false },
        { kind: 'bearer', file: '/t', forward: true },
        {
          kind: 'forward',
          service: { target: { host: '::1', port: 80 }, path: '/auth', tls: { ca: '/ca' } },
          preservesMethod: false,
          requestHeaders: ['authorization', 'cookie'],
          responseHeaders: ['X-Email'],
          clientHeaders: [],
          userHeader: 'x-auth-request-user',
          groupsHeader: 'x-auth-request-groups',
          cacheMs: 5000,
          timeoutMs: 5000,
          recheckMs: 300_000,
        },
      ],
    });
  });

  test.each([
    ['http://hub:8081/hub/api', '/hub/api', '/services/panel/'],
    ['https://h.test/base/hub/api/', '/base/hub/api', '/base/services/panel/'],
  ])('of a hub at %s', (url, path, prefix) => {
    expect(routeOf(`[{jupyterhub: {api_url: "${url}", token_file: /t, service: panel}}]`).auth).toMatchObject([
      { kind: 'jupyterhub', api: { path }, prefix, service: 'panel', cacheMs: 60_000, timeoutMs: 5000, recheckMs: 0 },
    ]);
  });

  test('of a service of a hub that the path names', () => {
    const auth = '[{jupyterhub: {api_url: "http://hub:8081/hub/api", token_file: /t}}]';
    for (const path of ['/services/panel', '/base/services/panel/', '/services/panel/*/x']) {
      const hub = { kind: 'jupyterhub', service: 'panel', prefix: '/services/panel/' };
      expect(routeOf(auth, `match: {path: ${path}}`).auth).toMatchObject([hub]);
    }
    expect(routeOf(auth.replace('}}', ', service: x}}'), 'match: {path: /services/panel}').auth).toMatchObject([
      { service: 'x' },
    ]);
    const brought = load(auth, 'match: {path: /services/panel}, preset: jupyter');
    expect('config' in brought && brought.config.routes.map(({ auth }) => auth)).toMatchObject([
      [{ service: 'panel' }],
      [{ service: 'panel' }],
    ]);
  });

  test('for the rooms that a preset brings, too', () => {
    const loaded = load('[{basic: {file: /u}}]', 'preset: jupyter');
    expect('config' in loaded && loaded.config.routes.map(({ auth }) => auth?.length)).toEqual([1, 1]);
  });
});

describe('a mistake', () => {
  test.each([
    ['[]', '', 'routes[0].auth: [] is an empty list; write at least one entry'],
    [
      '[{}]',
      '',
      'routes[0].auth[0]: has no kind; write one kind in each entry: jwt, forward, basic, bearer, client_cert, header, jupyterhub',
    ],
    ['[{basic: {file: /u}, bearer: {file: /t}}]', '', 'routes[0].auth[0]: has 2 kinds, basic and bearer;'],
    ['[{basic: {file: /u}}, {basic: {file: /v}}]', '', 'routes[0].auth[1].basic: stands in an entry before too'],
    [
      '[{forward: {url: "http://h"}}, {basic: {file: /u}}]',
      '',
      'routes[0].auth[1].basic: is never asked, because forward',
    ],
    ['[{basci: {file: /u}}]', '', 'routes[0].auth[0].basci: unknown key; did you mean basic?'],
    ['[{basic: {}}]', '', 'routes[0].auth[0].basic.file: is missing'],
    [`[{jwt: {${jwt}}}]`, '', 'routes[0].auth[0].jwt: has no keys to verify tokens with; write either jwks'],
    [`[{jwt: {${jwt}, jwks: "https://x", jwks_file: /k}}]`, '', 'routes[0].auth[0].jwt: has keys from two places'],
    [`[{jwt: {${jwt}, jwks_file: /k, algorithms: [none]}}]`, '', 'algorithms[0]: "none" is not one of RS256'],
    [`[{jwt: {${jwt}, jwks_file: /k, algorithms: [HS256]}}]`, '', 'algorithms[0]: "HS256" is not one of RS256'],
    [`[{jwt: {${jwt}, jwks_file: /k, algorithms: []}}]`, '', 'algorithms: [] is an empty list'],
    [`[{jwt: {${jwt}, jwks_file: /k, from: [body]}}]`, '', 'from[0]: "body" is no place of a token'],
    [`[{jwt: {${jwt}, jwks_file: /k, from: [{cookie: "a b"}]}}]`, '', 'from[0].cookie: "a b" is no name'],
    [
      `[{jwt: {${jwt}, jwks_file: /k, from: [{cookie: a, query: b}]}}]`,
      '',
      'from[0]: {"cookie":"a","query":"b"} must have one key',
    ],
    [`[{jwt: {${jwt}, jwks_file: /k, from: [{header: Authorization}]}}]`, '', 'write authorization instead'],
    [`[{jwt: {${jwt}, jwks_file: /k, claims: [a]}}]`, '', 'claims: ["a"] is no mapping of claims'],
    [`[{jwt: {${jwt}, jwks_file: /k, claims: {a: {b: c}}}}]`, '', 'claims.a: {"b":"c"} is no value of a claim'],
    [`[{jwt: {issuer: "", audience: [x], jwks_file: /k}}]`, '', 'issuer: "" is not a text'],
    [`[{jwt: {${jwt}, jwks: "ftp://x"}}]`, '', 'jwks: "ftp://x" is not the URL of a service'],
    ['[{forward: {url: "http://u:p@h"}}]', '', 'holds a user or password'],
    ['[{forward: {url: "http://h/#x"}}]', '', 'has a fragment'],
    ['[{forward: {url: "http://h", response_headers: [Host]}}]', '', '"Host" is a header that frames or routes'],
    ['[{forward: {url: "http://h", client_headers: [Content_Type]}}]', '', 'frames or describes the answer'],
    ['[{forward: {url: "http://h", client_headers: [Sec-WebSocket-Accept]}}]', '', 'frames or describes'],
    ['[{forward: {url: "http://h", client_headers: [""]}}]', '', 'client_headers[0]: "" is not a header'],
    ['[{forward: {url: "http://h", response_headers: [X_Forwarded_For]}}]', '', 'frames or routes'],
    ['[{forward: {url: "http://h", request_headers: [X-Forwarded-Uri]}}]', '', 'is a header that Sluice writes itself'],
    ['[{forward: {url: "http://h", request_headers: [Host]}}]', '', 'is a header that Sluice writes itself'],
    ['[{forward: {url: "http://h", timeout: off}}]', '', 'timeout: '],
    ['[{jupyterhub: {api_url: "http://hub:8081", token_file: /t, service: x}}]', '', 'does not end with /hub/api'],
    [
      '[{jupyterhub: {api_url: "http://hub/hub/api", token_file: /t}}]',
      '',
      'routes[0].auth[0].jupyterhub.service: is missing; write the name of the service at the hub, or match: {path: /services/NAME}',
    ],
    ['[{jupyterhub: {api_url: "http://hub/hub/api", token_file: /t, service: "a/b"}}]', '', '"a/b" is not a name'],
    [
      '[{client_cert: {}}]',
      '',
      'routes[0].auth[0].client_cert: lets nobody in, because clients are asked for no certificate',
    ],
    ['[{client_cert: {user_field: cn}}]', '', 'user_field: "cn" is not one of subject.CN'],
    ['[{client_cert: {match: [a]}}]', '', 'match: ["a"] is no mapping of fields'],
    ['[{client_cert: {match: {}}}]', '', 'match: {} names no field'],
    ['[{client_cert: {match: {constructor: [a]}}}]', '', 'match.constructor: ["a"] is no field'],
    ['[{client_cert: {match: {subject.O: []}}}]', '', 'match.subject.O: [] is no list of values'],
    ['[{client_cert: {match: {subject.O: [1]}}}]', '', 'match.subject.O: [1] is no list of values'],
    ['[{header: "a b"}]', '', '"a b" is not a header'],
    [
      '[{header: Authorization}]',
      '',
      'routes[0].auth[0].header: "Authorization" holds a secret, which would be logged',
    ],
    ['[{forward: {url: "http://h", user_header: Set-Cookie}}]', '', 'forward.user_header: "Set-Cookie" holds a secret'],
    ['[{forward: {url: "http://h", groups_header: cookie}}]', '', 'forward.groups_header: "cookie" holds a secret'],
    ['[{header: X}]', 'identity_headers: {user: Cookie}', 'frames or routes'],
  ])('%s', (auth, more, message) => {
    expect(errorsOf(auth, more).join('\n')).toContain(message);
    // The routes of a program take theirs from a template.
    const inTemplate = message.replace('routes[0]', 'routes_api.templates[0]');
    expect(templateErrorsOf(`auth: ${auth}, ${more}`).join('\n')).toContain(inTemplate);
  });

  test('certificates that clients are asked for are no mistake, and what holds of them', () => {
    const tls = 'listen: {tls: {cert: /c, key: /k, client_certificates: {ca: /a}}}';
    const said = '{user_field: san.email, match: {subject.O: [science], san.dns: [a, b]}, on_expiry: ignore}';
    for (const [auth, holds] of [
      ['{}', { user: 'subject.CN', match: [], closesOnExpiry: true }],
      [
        said,
        {
          user: 'san.email',
          match: [
            ['subject.O', ['science']],
            ['san.dns', ['a', 'b']],
          ],
          closesOnExpiry: false,
        },
      ],
    ] as const) {
      const loaded = load(`[{client_cert: ${auth}}]`, '', tls);
      expect('config' in loaded && loaded.config.routes[0]!.auth).toEqual([{ kind: 'client_cert', ...holds }]);
    }
  });

  test('headers for a user whom nobody finds out', () => {
    const loaded = loadConfig('f', 'routes: [{name: a, upstream: "http://h", identity_headers: {user: X}}]');
    expect('errors' in loaded && loaded.errors[0]!.message).toContain('nothing finds out who they are');
    expect(templateErrorsOf('identity_headers: {user: X}')).toEqual([expect.stringContaining('nothing finds out')]);
  });
});

describe('a warning', () => {
  const origins = 'origins: ["https://a.test"]';
  test.each([
    ['[{bearer: {file: /t}}]', '', []],
    ['[{basic: {file: /u}}]', origins, []],
    ['[{basic: {file: /u}}]', '', ['auth.basic takes what browsers send by themselves']],
    ['[{header: X}]', '', ['auth.header takes what browsers']],
    ['[{forward: {url: "https://h"}}]', '', ['auth.forward takes what browsers']],
    ['[{forward: {url: "https://h", request_headers: [Authorization]}}]', '', []],
    [`[{jwt: {${jwt}, jwks: "https://h", from: [{cookie: c}]}}]`, '', ['auth.jwt takes what browsers']],
    [`[{jwt: {${jwt}, jwks: "http://id.test"}}]`, '', ['auth.jwt.jwks fetches keys over http']],
    [`[{jwt: {${jwt}, jwks: "http://keycloak.id.svc"}}]`, '', ['auth.jwt.jwks fetches keys over http']],
    [`[${fileJwt}, {bearer: {file: /t}}]`, '', []],
    [`[{bearer: {file: /t}}, ${fileJwt}]`, '', ['auth.jwt is never asked, because an entry before it takes']],
    [`[{bearer: {file: /t}}, {jwt: {${jwt}, jwks_file: /k, from: [authorization, {query: t}]}}]`, '', []],
    [`[${fileJwt}, ${fileJwt}]`, '', ['stands where it looks. Write another place in from']],
    [`[${fileJwt}, {jwt: {${jwt}, jwks_file: /k, from: [{header: X-Token}]}}]`, '', []],
    [`[${hub}, {bearer: {file: /t}}]`, origins, ['auth.bearer is never asked']],
    [`[{bearer: {file: /t}}, ${hub}]`, origins, []],
    [`[{jwt: {${jwt}, jwks: "http://127.0.0.1:1"}}]`, '', []],
    ['[{forward: {url: "http://auth.test"}}]', origins, ['auth.forward sends credentials over http']],
    ['[{forward: {url: "http://oauth2-proxy:4180"}}]', origins, []],
    ['[{jupyterhub: {api_url: "http://hub/hub/api", token_file: /t, service: x}}]', '', ['auth.jupyterhub takes what']],
    ['[{forward: {url: "https://h", cache: 10m}}]', origins, ['auth.forward.cache 10m is longer']],
    ['[{forward: {url: "https://h", cache: 10m, recheck: 1m}}]', origins, ['whatever recheck finds']],
  ] as const)('%s, %s', (auth, more, expected) => {
    const found = warningsOf(auth, more);
    expect(found).toHaveLength(expected.length);
    for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
  });

  test('of certificates, which browsers show by themselves', () => {
    const top = 'listen: {tls: {cert: /c, key: /k, client_certificates: {ca: /a}}}';
    expect(warningsOf('[{client_cert: {}}]', '', top)).toEqual([
      expect.stringContaining('auth.client_cert takes what'),
    ]);
    expect(warningsOf('[{client_cert: {}}]', origins, top)).toEqual([]);
  });

  test('of credentials in the clear, and of a header that counts from nobody', () => {
    const clear = 'there is no TLS in front';
    expect(warningsOf('[{bearer: {file: /t}}]', '', '')[0]).toContain(clear);
    expect(warningsOf('[{bearer: {file: /t}}]', '', 'listen: {address: "127.0.0.1:8080"}')).toEqual([]);
    expect(warningsOf('[{bearer: {file: /t}}]', '', 'listen: {tls: {cert: /c, key: /k}}')).toEqual([]);
    expect(warningsOf('[{header: X}]', origins, 'listen: {tls: {cert: /c, key: /k}}')[0]).toContain('counts only from');
  });
});
