/** An exchange of plain HTTP that is cut in its midst: the log says whose it was, on which route and for what. */
import { expect, test } from 'vitest';
import { fakeUpstream, type UpstreamPeer } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway, type TestGateway } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { rawConnect } from '../helpers/raw-client.ts';
import type { RouteOverrides } from '../helpers/relay.ts';

interface Cut {
  readonly how: string;
  readonly route?: RouteOverrides;
  readonly method: 'GET' | 'POST';
  /** When the upstream has the head, and the client the beginning of an answer to a GET. */
  readonly cut: (ends: { client: Peer; upstream: UpstreamPeer; sluice: TestGateway }) => unknown;
  readonly result: string;
}

const http = { maxBodyBytes: 1e9, inactivityMs: 0, maxUpstreamConnections: 1024 };
const ways: readonly Cut[] = [
  {
    how: 'by its upstream',
    method: 'GET',
    cut: ({ upstream }) => upstream.socket.resetAndDestroy(),
    result: 'upstream_failed',
  },
  {
    how: 'as neither side says anything',
    route: { http: { ...http, inactivityMs: 300 } },
    method: 'GET',
    cut: () => {},
    result: 'upstream_timeout',
  },
  {
    how: 'as its client sends nothing more of its body',
    route: { http: { ...http, inactivityMs: 300 } },
    method: 'POST',
    cut: () => {},
    result: 'client_timeout',
  },
  {
    how: 'as its body grows too large',
    route: { http: { ...http, maxBodyBytes: 10 } },
    method: 'POST',
    cut: ({ client }) => client.sendText('b\r\n0123456789a\r\n'),
    result: 'body_too_large',
  },
  {
    how: 'by a drain',
    route: { drain: { close: 'spread', protect: 'client', spreadMs: 0, deadlineMs: 300 } },
    method: 'GET',
    cut: ({ sluice }) => void sluice.gateway.drain({ cause: 'SIGTERM' }),
    result: 'cut',
  },
];

/** An empty line before a request brings its connection into the careful lane. */
const lanes = [
  { lane: 'fast', preface: '' },
  { lane: 'careful', preface: '\r\n' },
];

test.each(lanes.flatMap((lane) => ways.map((way) => ({ ...lane, ...way }))))(
  'one of the $lane lane that is cut $how',
  async ({ preface, route, method, cut, result }) => {
    await using upstream = await fakeUpstream({ answer: () => null });
    const name = 'files';
    await using sluice = await startGateway({ routes: [routeTo(upstream, { name, path: '/files', ...route })] });
    const client = await rawConnect(sluice.port);
    const body = method === 'POST' ? 'Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n' : '\r\n';
    client.sendText(`${preface}${method} /files/a%20b.csv?token=secret HTTP/1.1\r\nHost: gateway.test\r\n${body}`);
    const server = await upstream.next();
    if (method === 'GET') {
      server.sendText('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart');
      await client.head();
    }
    await cut({ client, upstream: server, sluice });
    expect(await sluice.logged('http_failed')).toMatchObject({
      result,
      route: name,
      method,
      host: 'gateway.test',
      path: '/files/a%20b.csv',
      client: '127.0.0.1',
    });
    expect(sluice.log.filter(({ event }) => event === 'http_failed')).toHaveLength(1);
    client.socket.destroy();
  },
);
