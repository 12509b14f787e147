/**
 * The same request through both lanes is refused with the same answer, the same log line and the same counters. Whoever
 * begins a connection with an empty line is in the careful lane.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Refused } from '../../../src/admission/verdict.ts';
import type { Step } from '../../../src/admission/visit.ts';
import { anyCaps } from '../../helpers/access.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startFront } from '../../helpers/front.ts';
import { routeTo } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';
import { refusingPort } from '../../helpers/listen.ts';

const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Origin: https://apps.example.org',
];

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly target?: string;
  readonly lines?: readonly string[];
  readonly body?: string;
  readonly status: number;
  /** What the step in the place of authentication says. */
  readonly says?: Refused | null;
  readonly counted: readonly string[];
}

const challenged: Refused = {
  outcome: 'origin_refused',
  detail: 'says a step',
  fields: [
    ['WWW-Authenticate', 'Basic realm="a"'],
    ['Retry-After', '77'],
    ['Content-Type', 'text/x-own'],
    ['Bad', 'two\r\nlines'],
  ],
};
const relayed: Refused = {
  outcome: 'origin_refused',
  detail: '',
  answer: {
    status: 302,
    fields: [
      ['Location', 'https://login.example.org/?r=\xe9'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['Content-Length', '9999'],
      ['Transfer-Encoding', 'chunked'],
      ['Connection', 'close, x-y'],
    ],
    body: Buffer.from('go there'),
  },
};
const limited: Refused = {
  outcome: 'too_many_per_address',
  detail: 'says a step',
  limit: { name: 'connections.max_per_address', configured: 3, observed: 4 },
};

const cases: readonly Case[] = [
  { name: 'no route', target: '/elsewhere', status: 404, counted: ['(none) handshakes no_route 1'] },
  {
    name: 'a path with two readings',
    target: '/app/..%2fother',
    status: 400,
    counted: ['(none) handshakes ambiguous_path 1'],
  },
  { name: 'a Host that is none', lines: ['Host: a b'], status: 400, counted: ['(none) handshakes bad_request 1'] },
  {
    name: 'a handshake for no route',
    target: '/elsewhere',
    lines: handshake,
    status: 404,
    counted: ['(none) handshakes no_route 1'],
  },
  {
    name: 'a handshake that offers too much',
    lines: [...handshake, `Sec-WebSocket-Protocol: ${new Array(101).fill('a').join(',')}`],
    status: 400,
    counted: ['(none) handshakes bad_request 1'],
  },
  {
    name: 'a handshake by POST',
    method: 'POST',
    lines: handshake,
    status: 405,
    counted: ['app handshakes method_not_allowed 1'],
  },
  {
    name: 'a handshake of another version',
    lines: handshake.with(2, 'Sec-WebSocket-Version: 8'),
    status: 426,
    counted: ['app handshakes unsupported_version 1'],
  },
  {
    name: 'a handshake without its key',
    lines: handshake.slice(0, 3),
    status: 400,
    counted: ['app handshakes bad_request 1'],
  },
  {
    name: 'a handshake that nominates no upgrade',
    lines: handshake.slice(1),
    status: 400,
    counted: ['app handshakes bad_request 1'],
  },
  {
    name: 'another origin',
    lines: handshake.with(4, 'Origin: https://evil.example.org'),
    status: 403,
    counted: ['app handshakes origin_refused 1'],
  },
  {
    name: 'a route that is full',
    target: '/full',
    lines: handshake,
    status: 503,
    counted: ['full handshakes too_many_connections 1', 'full violations connections.max reject 1'],
  },
  {
    name: 'a handshake whose upstream is not there',
    target: '/gone',
    lines: handshake,
    status: 502,
    counted: ['gone handshakes upstream_unreachable 1', 'gone upstreamErrors connect_refused 1'],
  },
  {
    name: 'a request whose upstream is not there',
    target: '/gone',
    status: 502,
    counted: ['gone httpRequests GET 5xx 1', 'gone upstreamErrors connect_refused 1'],
  },
  {
    name: 'a body that is too large',
    method: 'PUT',
    lines: ['Content-Length: 1001'],
    body: 'x'.repeat(1001),
    status: 413,
    counted: ['app httpRequests PUT 4xx 1', 'app violations http.max_body_size reject 1'],
  },
  ...[
    { what: 'a challenge', says: challenged, status: 403, counted: ['app handshakes origin_refused 1'] },
    { what: 'an answer of a service', says: relayed, status: 302, counted: ['app handshakes origin_refused 1'] },
    {
      what: 'a limit',
      says: limited,
      status: 429,
      counted: ['app handshakes too_many_per_address 1', 'app violations connections.max_per_address reject 1'],
    },
  ].flatMap(({ what, ...rest }) => [
    { name: `${what} for a request`, ...rest },
    { name: `${what} for a browser`, lines: ['Accept: text/html'], ...rest },
    { name: `${what} for HEAD`, method: 'HEAD', ...rest },
    { name: `${what} for a request with a body`, method: 'POST', lines: ['Content-Length: 5'], body: 'abcde', ...rest },
    {
      name: `${what} for one that waits to send`,
      method: 'POST',
      lines: ['Content-Length: 5', 'Expect: 100-continue'],
      ...rest,
    },
    { name: `${what} for a handshake`, lines: handshake, ...rest },
  ]),
];

const neither = new Set(['date', 'connection', 'keep-alive']);

describe.each([
  [
    'at once',
    (says: Refused | null): Step =>
      () =>
        says,
  ],
  [
    'after a while',
    (says: Refused | null): Step =>
      () =>
        new Promise((resolve) => setImmediate(() => resolve(says))),
  ],
] as const)('a step that decides %s', (_, stepOf) => {
  test.each(cases)(
    '$name',
    async ({ method = 'GET', target = '/app', lines = [], body = '', status, says, counted }) => {
      await using upstream = await fakeUpstream();
      const nobody = await refusingPort();
      const common = {
        origins: ['https://apps.example.org'],
        http: { maxBodyBytes: 1000, inactivityMs: 0, maxUpstreamConnections: 10 },
      };
      const routes = [
        routeTo(upstream, { ...common, name: 'app', path: '/app' }),
        routeTo(upstream, { ...common, name: 'other', path: '/other' }),
        routeTo(upstream, {
          ...common,
          name: 'full',
          path: '/full',
          connections: { ...anyCaps, max: 0, maxPerAddress: 1 },
        }),
        routeTo(nobody, { ...common, name: 'gone', path: '/gone' }),
      ];
      const hosts = lines.some((line) => line.startsWith('Host:')) ? [] : ['Host: gateway.test'];
      const request = [`${method} ${target} HTTP/1.1`, ...hosts, ...lines, '', body].join('\r\n');

      const through = async (prefix: string) => {
        await using front = await startFront({ routes, step: stepOf(says ?? null) });
        const socket = connect(front.port, '127.0.0.1');
        onTestFinished(() => {
          socket.destroy();
        });
        await once(socket, 'connect');
        socket.setNoDelay();
        if (prefix !== '') socket.write(prefix, 'latin1');
        socket.write(request, 'latin1');
        const reader = new HttpReader(socket);
        const { startLine, fields, body: answer } = await reader.message('response', method === 'HEAD');
        const closes = fields.some(([name, value]) => name === 'connection' && value === 'close');
        // A second request on the same connection shows whether it goes on.
        socket.write('GET /elsewhere HTTP/1.1\r\nHost: gateway.test\r\n\r\n');
        const second = (await reader.begins()) ? (await reader.message('response')).startLine : null;
        const line = await front.logged();
        return {
          startLine,
          fields: fields
            .filter(([name]) => !neither.has(name))
            .map(([name, value]) => (name === 'retry-after' && value !== '77' ? [name, 'some'] : [name, value]))
            .sort(),
          answer,
          closes,
          goesOn: second,
          log: { ...line, time: null, pid: null },
          counted: front
            .counted()
            .filter((text) => second === null || text !== '(none) handshakes no_route 1')
            .sort(),
          rejections: front.rejections,
        };
      };
      const fast = await through('');
      const careful = await through('\r\n');
      expect(fast).toEqual(careful);
      expect(fast.startLine).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(fast.counted).toEqual([...counted].sort());
      expect(fast.goesOn === null).toBe(fast.closes);
    },
  );
});
