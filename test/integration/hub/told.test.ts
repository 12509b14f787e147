/** What a target is told of who asks: beside configurable-http-proxy, in both lanes and in handshakes. */
import { ConfigurableProxy } from 'configurable-http-proxy';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { TargetRules } from '../../../src/config/types.ts';
import { fakeUpstream, headersOf } from '../../helpers/fake-upstream.ts';
import { ask, echo, httpServer, hubGateway, token } from '../../helpers/hub.ts';
import { listen } from '../../helpers/listen.ts';
import { rawClient } from '../../helpers/raw-client.ts';

type Headers = Readonly<Record<string, string>>;

const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** What Sluice says beside CHP's words, and what differs with each port. */
const own = ['x-real-ip', 'x-scheme', 'connection', 'content-length'];

async function toldByChp(options: object, headers: Headers): Promise<Headers> {
  const defaultTarget = `http://127.0.0.1:${await httpServer(echo)}`;
  const proxy = new ConfigurableProxy({ authToken: token, log: silent, xfwd: true, defaultTarget, ...options });
  onTestFinished(() => {
    proxy.proxyServer.close();
    proxy.proxyServer.closeAllConnections();
  });
  const port = await listen(proxy.proxyServer);
  return JSON.parse((await ask(port, '/', { headers })).body).headers;
}

/** `careful` sends what only the careful lane reads. */
async function toldBySluice(
  rules: Partial<TargetRules>,
  headers: Headers,
  lane: 'fast' | 'careful' = 'fast',
  listens = '',
) {
  const { port, set } = await hubGateway({ rules, listens });
  await set('/', await httpServer(echo));
  const method = lane === 'fast' ? 'GET' : 'PROPFIND';
  return JSON.parse((await ask(port, '/', { method, headers })).body).headers as Record<string, string>;
}

function without(headers: Headers, names: readonly string[]): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

describe.each(['fast', 'careful'] as const)('in the %s lane', (lane) => {
  test.each<[string, object, Partial<TargetRules>]>([
    ['nothing is said otherwise', {}, {}],
    ['headers are given', { headers: { k1: 'v1' } }, { headers: [['k1', 'v1']] }],
    ['Host is given', { headers: { Host: 'zz.org' } }, { host: 'zz.org' }],
    [
      'Host is given, and changed',
      { headers: { Host: 'zz.org' }, changeOrigin: true },
      { host: 'zz.org', targetHost: true },
    ],
    ['nobody is to be told', { xfwd: false }, { forwarded: false }],
  ])('as CHP, where %s', async (_name, options, rules) => {
    const headers = { host: 'front.org:99', k1: 'of the client' };
    const theirs = await toldByChp(options, headers);
    const expected = {
      ...theirs,
      ...('x-forwarded-port' in theirs && !('host' in rules) && { 'x-forwarded-port': '99' }),
    };
    const ours = without(await toldBySluice(rules, headers, lane), own);
    // --change-origin makes CHP forget which port the client came to.
    expect({ ...ours, 'x-forwarded-port': 0 }).toEqual({ ...without(expected, own), 'x-forwarded-port': 0 });
    expect(ours['x-forwarded-port']).toBe(rules.forwarded === false ? undefined : '99');
  });

  test('a header that is given stands in the place of Sluice’s own, and of what says the same', async () => {
    const ours = await toldBySluice({ headers: [['X-Forwarded-Proto', 'https']] }, {}, lane);
    expect(ours).toMatchObject({ 'x-forwarded-proto': 'https', 'x-real-ip': '127.0.0.1' });
    expect(ours).not.toHaveProperty('x-scheme');
    const hidden = await toldBySluice({ headers: [['x-forwarded-for', 'nobody']] }, {}, lane);
    expect(hidden).toMatchObject({ 'x-forwarded-for': 'nobody', 'x-scheme': 'http' });
    expect(hidden).not.toHaveProperty('x-real-ip');
  });

  test('what a trusted proxy said goes on as it came where nobody is to be told, and else is added to', async () => {
    const said = { 'x-forwarded-for': '9.9.9.9', 'x-forwarded-proto': 'https', 'x-forwarded-port': '444' };
    const trusted = 'trusted_proxies: [127.0.0.0/8]';
    const untold = await toldBySluice({ forwarded: false }, said, lane, trusted);
    expect(without(untold, ['host', ...own])).toEqual(said);
    const told = await toldBySluice({}, said, lane, trusted);
    expect(told).toMatchObject({ ...said, 'x-forwarded-for': '9.9.9.9, 127.0.0.1' });
    const unbelieved = await toldBySluice({ forwarded: false }, said, lane);
    expect(without(unbelieved, ['host', ...own])).toEqual({});
  });
});

test('a client is told that its connection stays open, as CHP tells it', async () => {
  const { port, set } = await hubGateway();
  await set('/', await httpServer(echo));
  const { headers } = await ask(port, '/', { headers: { Connection: 'keep-alive' } });
  expect(headers.connection).toBe('keep-alive');
  expect((await ask(port, '/', { headers: { Connection: 'close' } })).headers.connection).toBe('close');
});

test.each([
  ['fast', '/'],
  // Whose target names a host goes by the careful lane.
  ['careful', 'http://front.org:99/'],
])('in a handshake of the %s lane too', async (_lane, path) => {
  await using upstream = await fakeUpstream();
  const { port, set } = await hubGateway({ rules: { headers: [['X-Forwarded-Proto', 'https']], host: 'zz.org' } });
  await set('/', upstream.port);
  const client = await rawClient(port, { path, headers: { Host: 'front.org:99' } });
  onTestFinished(() => void client.socket.destroy());
  const { request } = await upstream.next();
  const told = ['X-Forwarded-Proto', 'X-Forwarded-Port', 'Host', 'X-Scheme'].map((name) => headersOf(request, name));
  expect(told).toEqual([['https'], ['99'], ['zz.org'], []]);
});
