import { expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';

function linesOf(...routes: string[]): string[] {
  const loaded = loadConfig('f', `routes:\n${routes.map((route) => `  - ${route}\n`).join('')}`);
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

test('two routes of one name', () => {
  expect(
    linesOf('{name: a, match: {path: /a}, upstream: http://h}', '{name: a, match: {path: /b}, upstream: http://h}'),
  ).toEqual(['routes[1].name: "a" is the name of the route in line 2 too; write another (f:3:12)']);
});

test.each([
  ['/', '/'],
  ['/a', '/a/'],
  ['/a/**', '/a'],
])('the patterns %s and %s are equal', (first, second) => {
  expect(
    linesOf(
      `{name: a, match: {path: ${first}}, upstream: http://h}`,
      `{name: b, match: {path: ${second}}, upstream: http://h}`,
    ),
  ).toEqual([
    `routes[1].match.path: "${second}" matches the same requests as route a (line 2); write another path or other hosts (f:3:29)`,
  ]);
});

test('a pattern left out is every host and every path', () => {
  expect(linesOf('{name: a, upstream: http://h}', '{name: b, match: {path: /}, upstream: http://h}')).toHaveLength(1);
});

test('one host in common is enough, whatever its case', () => {
  const lines = linesOf(
    '{name: a, match: {hosts: [x.org, y.org]}, upstream: http://h}',
    '{name: b, match: {hosts: [z.org, Y.org]}, upstream: http://h}',
  );
  expect(lines).toEqual([
    'routes[1].match.path: "/" matches the same requests as route a (line 2); write another path or other hosts (f:3:22)',
  ]);
});

test('different hosts, or different paths, do not conflict', () => {
  expect(
    linesOf(
      '{name: a, match: {hosts: [x.org]}, upstream: http://h}',
      '{name: b, match: {hosts: ["*.x.org"]}, upstream: http://h}',
      '{name: c, upstream: http://h}',
      '{name: d, match: {path: /*}, upstream: http://h}',
    ),
  ).toEqual([]);
});

test('a host listed twice', () => {
  expect(linesOf('{name: a, match: {hosts: [x.org, X.org]}, upstream: http://h}')).toEqual([
    'routes[0].match.hosts: "x.org" is listed twice; write it once (f:2:30)',
  ]);
});

test('a name that preset jupyter needs for its second route', () => {
  expect(
    linesOf(
      '{name: lab, preset: jupyter, upstream: http://h}',
      '{name: lab-rooms, match: {path: /x}, upstream: http://h}',
    ),
  ).toEqual([
    'routes[1].name: "lab-rooms" is the name of the route that preset jupyter brings with lab; write another (f:3:12)',
  ]);
});

test('a conflict is found beside a mistake in a value, and a pattern that is one is not compared', () => {
  const lines = linesOf(
    '{name: a, match: {path: bad}, upstream: 5}',
    '{name: a, match: {path: bad}, upstream: http://h}',
  );
  expect(lines.map((line) => line.split(':')[0])).toEqual([
    'routes[0].match.path',
    'routes[0].upstream',
    'routes[1].name',
    'routes[1].match.path',
  ]);
});

function adminErrors(admin: string): string[] {
  const loaded = loadConfig('f', `admin:\n  ${admin}\nroutes:\n  - {name: a, upstream: http://h}\n`);
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

test.each(['0.0.0.0:9090', '[::]:9090', '10.0.0.7:9090', 'admin.internal:9090', '128.0.0.1:9090'])(
  'the admin port at %s needs a token',
  (address) => {
    expect(adminErrors(`address: "${address}"`)).toEqual([
      `admin.address: "${address}" is reached from other machines, and the admin API has no token; add admin.token_file: PATH, or write 127.0.0.1:9090 or unix:/run/sluice-admin.sock (f:2:12)`,
    ]);
    expect(adminErrors(`{address: "${address}", token_file: /run/token}`)).toEqual([]);
  },
);

test.each(['127.0.0.1:9090', '127.9.9.9:9090', '[::1]:9090', 'localhost:9090', 'unix:/run/admin.sock'])(
  'the admin port at %s needs none',
  (address) => {
    expect(adminErrors(`address: "${address}"`)).toEqual([]);
  },
);

test('an admin address that cannot be read is one error, not two', () => {
  expect(adminErrors('address: nowhere')).toHaveLength(1);
  expect(adminErrors('{address: 0.0.0.0:9090, token_file: ""}')).toEqual([expect.stringContaining('admin.token_file')]);
});

const addresses = (listen: string, admin: string) =>
  loadConfig(
    'sluice.yaml',
    `listen: {address: "${listen}"}\nadmin: {address: "${admin}", token_file: t}\nroutes: [{name: a, upstream: "http://b"}]\n`,
  );

test.each([
  ['0.0.0.0:8080', '0.0.0.0:8080', 'is listen.address too'],
  ['[::]:8080', '0.0.0.0:8080', 'takes the port of listen.address, "[::]:8080"'],
  ['0.0.0.0:9090', '127.0.0.1:9090', 'takes the port of listen.address'],
  ['[::]:9090', '[::1]:9090', 'takes the port of listen.address'],
  ['unix:/run/a.sock', 'unix:/run/a.sock', 'is listen.address too'],
])('nobody can listen on %s and %s', (listen, admin, words) => {
  const loaded = addresses(listen, admin);
  expect('errors' in loaded ? loaded.errors.map(formatConfigError) : []).toEqual([expect.stringContaining(words)]);
});

test.each([
  ['0.0.0.0:0', '127.0.0.1:0'],
  ['127.0.0.1:8080', '127.0.0.2:8080'],
  ['[::]:8080', '[::]:8081'],
  ['unix:/run/a.sock', '127.0.0.1:8080'],
])('%s and %s are two', (listen, admin) => {
  expect(addresses(listen, admin)).not.toHaveProperty('errors');
});

test('a client certificate without its key, wherever they may stand', () => {
  const lines = (defaults: string, ...routes: string[]) => {
    const rest = routes.map(
      (tls, i) => `  - {name: r${i}, match: {path: /${i}}, upstream: https://h, upstream_tls: ${tls}}\n`,
    );
    const loaded = loadConfig('f', `defaults: {upstream_tls: ${defaults}}\nroutes:\n${rest.join('')}`);
    return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
  };
  expect(lines('{}', '{client_cert: c}', '{client_key: k}')).toEqual([
    'routes[0].upstream_tls.client_cert: "c" stands alone; add upstream_tls.client_key: PATH (f:3:84)',
    'routes[1].upstream_tls.client_key: "k" stands alone; add upstream_tls.client_cert: PATH (f:4:83)',
  ]);
  expect(lines('{client_cert: c}', '{client_key: k}')).toEqual([]);
  expect(lines('{client_cert: c}', '{client_key: k}', '{}', '{ca: a}')).toEqual([
    'defaults.upstream_tls.client_cert: "c" stands alone; add upstream_tls.client_key: PATH (f:1:40)',
  ]);
  expect(lines('{client_cert: c, client_key: k}', '{}')).toEqual([]);
});

/** The errors of a configuration whose routes a program sets. */
function templateLinesOf(templates: string, top = ''): string[] {
  const loaded = loadConfig(
    'f',
    `${top}\nroutes_api: {address: "127.0.0.1:0"${templates && `, templates: ${templates}`}}\n`,
  );
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

test('a client certificate without its key in a template, and in what the unwritten ones take', () => {
  const half = '[{name: t, kind: other, upstream_tls: {client_cert: c}}]';
  expect(templateLinesOf(half)).toEqual([
    'routes_api.templates[0].upstream_tls.client_cert: "c" stands alone; add upstream_tls.client_key: PATH (f:2:101)',
  ]);
  const general = 'defaults: {upstream_tls: {client_key: k}}';
  expect(templateLinesOf('', general)).toEqual([
    'defaults.upstream_tls.client_key: "k" stands alone; add upstream_tls.client_cert: PATH (f:1:39)',
  ]);
});

test('an identity in Cookie that a template has', () => {
  expect(templateLinesOf('[{name: t, kind: other, identity: {header: Cookie}}]')).toEqual([
    expect.stringContaining('routes_api.templates[0].identity.header: "Cookie" holds a secret'),
  ]);
});

test.each([
  'routes_api: {address: "127.0.0.1:0", templates: [{name: {toString: 1}, kind: other}]}',
  'routes_api: {address: "127.0.0.1:0", templates: [{name: t, kind: {toString: 1}}]}',
  'routes_api: {address: "127.0.0.1:0", templates: [{name: t, kind: other, path: {toString: 1}}]}',
  'routes: [{name: a, upstream: "http://h", upstream_tls: {client_cert: {toString: 1}}}]',
  'quotas: {store: {toString: 1}, tls: {client_cert: {toString: 1}}, username: {toString: 1}}',
])('a mapping that has a toString of its own is a mistake like any other: %s', (text) => {
  expect(loadConfig('f', text)).toHaveProperty('errors');
});

test.each(['Authorization', 'cookie'])('an identity in %s, which the log would show', (header) => {
  expect(linesOf(`{name: a, upstream: http://h, identity: {header: ${header}}}`)).toEqual([
    expect.stringContaining(`routes[0].identity.header: "${header}" holds a secret, which would be logged`),
  ]);
  expect(linesOf('{name: a, upstream: http://h, identity: {header: X-Forwarded-User}}')).toEqual([]);
});

/** The errors of one route to `upstream` where Sluice listens at `listen`. */
function circlesOf(listen: string, upstream: string): string[] {
  const loaded = loadConfig('f', `listen: {address: "${listen}"}\nroutes: [{name: a, upstream: "${upstream}"}]\n`);
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

test.each([
  ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
  ['0.0.0.0:8080', 'http://127.1.2.3:8080'],
  ['0.0.0.0:8080', 'http://localhost:8080'],
  ['[::]:8080', 'https://[::1]:8080'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['127.0.0.1:8080', 'http://localhost:8080'],
  ['127.0.0.1:8080', 'http://0.0.0.0:8080'],
  ['10.0.0.7:80', 'http://10.0.0.7'],
])('a gateway at %s has no route to %s, which is itself', (listen, upstream) => {
  expect(circlesOf(listen, upstream)).toEqual([
    `routes[0].upstream: "${upstream}" is listen.address, "${listen}", so requests would go round in a circle; write the address of the backend (f:2:30)`,
  ]);
});

test.each([
  ['0.0.0.0:8080', 'http://127.0.0.1:8081'],
  ['0.0.0.0:8080', 'http://10.0.0.7:8080'],
  ['0.0.0.0:8080', 'http://backend:8080'],
  ['127.0.0.1:8080', 'http://127.0.0.2:8080'],
  ['10.0.0.7:8080', 'http://localhost:8080'],
  ['unix:/run/sluice.sock', 'http://127.0.0.1:8080'],
])('a gateway at %s may have a route to %s', (listen, upstream) => {
  expect(circlesOf(listen, upstream)).toEqual([]);
});

test('the built-in address counts where the file has none', () => {
  expect(linesOf('{name: a, upstream: "http://localhost:8080"}')).toHaveLength(1);
});
