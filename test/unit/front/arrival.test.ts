import { expect, test } from 'vitest';
import { builtInTop } from '../../../src/config/model/top-settings.ts';
import type { Config } from '../../../src/config/types.ts';
import { readArrival } from '../../../src/front/arrival.ts';
import { compileEdge } from '../../../src/front/edge.ts';
import { LastingRoutes } from '../../../src/front/lasting.ts';
import { CounterStore } from '../../../src/observe/metrics/store.ts';
import { testConnector } from '../../helpers/connector.ts';
import { testRoute } from '../../helpers/relay.ts';
import { calmParts } from '../../helpers/visit.ts';

const loopback = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;

function edgeOf(...headersMs: number[]) {
  const routes = headersMs.map((ms, i) =>
    testRoute({
      name: `r${i}`,
      path: `/r${i}`,
      timeouts: { connectMs: 1, headersMs: ms, handshakeMs: 1, closeMs: 1 },
    }),
  );
  const config: Config = {
    files: ['f'],
    hash: 'h',
    listen: { address: loopback, tls: null, trustedProxies: [], proxyProtocol: [], ipv6Prefix: 64 },
    admin: { address: loopback, tokenFile: null },
    memory: { maxBufferedBytes: null },
    drain: { announceMs: 0 },
    log: builtInTop.log,
    revokedUsers: null,
    quotas: null,
    routesApi: null,
    routes,
  };
  return compileEdge(config, new LastingRoutes(new CounterStore(), testConnector(), calmParts));
}

function read(url: string, headers: string[]) {
  return readArrival(
    {
      method: 'GET',
      version: '1.1',
      url,
      headers,
      peer: { encrypted: false, address: '192.0.2.1', certificate: null },
    },
    edgeOf(1000),
  );
}

test('a request is routed, and its target and size are known', () => {
  const arrival = read('/r0/x?y', ['Host', 'A.test:1']);
  expect(arrival).toMatchObject({ visit: { host: 'A.test:1', path: '/r0/x', target: '/r0/x?y', kind: 'http' } });
  expect(arrival).toMatchObject({ visit: { headerBytes: 'GET /r0/x?y HTTP/1.1\r\nHost: A.test:1\r\n\r\n'.length } });
});

test.each(['\0', '\x01', '\n', '\x7f', '\u0100'])(
  'a header value with %j goes no further, whatever read it',
  (character) => {
    const arrival = read('/r0', ['Host', 'a', 'X-Y', `a${character}b`]);
    expect(arrival).toMatchObject({ refused: { outcome: 'bad_request' } });
  },
);

test('a tab and bytes above 0x7f may stand in a value', () => {
  expect(read('/r0', ['Host', 'a', 'X-Y', 'a\tb\u00ff'])).toHaveProperty('route');
});

test('256 header lines pass and 257 do not', () => {
  const headers = (count: number) => ['Host', 'a', ...Array.from({ length: count - 1 }, () => ['Cookie', 'y']).flat()];
  expect(read('/r0', headers(256))).toHaveProperty('route');
  expect(read('/r0', headers(257))).toMatchObject({
    refused: { outcome: 'too_many_headers', detail: 'there are 257 header lines' },
  });
});

test.each(['Connection', 'upgrade', 'X-Forwarded-For', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions'])(
  '100 elements of %s pass and 101 do not, over all its lines',
  (name) => {
    const headers = (...counts: number[]) => [
      'Host',
      'a',
      ...counts.flatMap((count) => [name, new Array(count).fill('b').join(',')]),
    ];
    expect(read('/r0', headers(100))).toHaveProperty('route');
    expect(read('/r0', headers(50, 50))).toHaveProperty('route');
    for (const counts of [[101], [100, 1], [30_000]]) {
      expect(read('/r0', headers(...counts))).toMatchObject({
        refused: { outcome: 'bad_request', detail: `${name.toLowerCase()} has more than 100 elements` },
        origination: { address: '192.0.2.1' },
      });
    }
  },
);

test('a connection counts for the network of its IPv6 address', () => {
  const of = (address: string) => {
    const request = {
      method: 'GET',
      version: '1.1',
      url: '/r0',
      headers: ['Host', 'a'],
      peer: { encrypted: false, address, certificate: null },
    };
    return readArrival(request, edgeOf(1000));
  };
  expect(of('2001:db8::1:2:3:4')).toMatchObject({ visit: { subscriber: '2001:db8::/64' } });
  expect(of('192.0.2.1')).toMatchObject({ visit: { subscriber: '192.0.2.1' } });
});

test('headers have the time of the most patient route, or no limit where one has none', () => {
  expect(edgeOf(1000, 3000, 2000).headersMs).toBe(3000);
  expect(edgeOf(1000, 0).headersMs).toBe(0);
});
