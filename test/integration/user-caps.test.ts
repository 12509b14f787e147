/** How many connections one user may have, and how often one may ask, through a whole gateway. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fakeUpstream, headerOf, switching } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { startGatewayOf } from '../helpers/gateway.ts';
import type { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';

const config = (upstream: { readonly port: number }, own: string, close = '100ms') => `
listen: {address: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}
admin: {address: "127.0.0.1:0"}
timeouts: {close: ${close}}
routes:
  - name: a
    upstream: "http://127.0.0.1:${upstream.port}"
    identity: {header: X-Forwarded-User}
${own}
`;
const evicting = (max: number) => `    limits: {connections: {max_per_user: ${max}, on_limit: evict_oldest}}`;

async function ask(port: number, user: string | null, headers: Record<string, string> = {}): Promise<Peer> {
  const peer = await rawConnect(port);
  peer.sendText(handshakeRequest({ headers: { ...(user === null ? {} : { 'X-Forwarded-User': user }), ...headers } }));
  return peer;
}

/** An open connection of a user. */
async function open(port: number, user: string | null): Promise<Peer> {
  const peer = await ask(port, user);
  expect(await peer.head()).toMatch(/^HTTP\/1.1 101 /);
  return peer;
}

const statusOf = async (peer: Peer) => (await peer.head()).slice(9, 12);

test('a user has their maximum; others, and who is not named, come in', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using sluice = await startGatewayOf(config(upstream, '    limits: {connections: {max_per_user: 2}}'));
  const { port } = sluice;
  const first = await open(port, 'ann');
  await open(port, 'ann');
  const refused = await ask(port, 'ann');
  expect(await statusOf(refused)).toBe('429');
  expect(await sluice.logged('refused')).toMatchObject({
    result: 'too_many_per_user',
    user: 'ann',
    limit: { name: 'connections.max_per_user', configured: 2, observed: 3 },
  });
  await open(port, 'bob');
  for (let i = 0; i < 4; i++) await open(port, null);
  first.socket.destroy();
  await sluice.logged('end');
  await open(port, 'ann');
  expect(await sluice.metrics()).toMatch(
    /sluice_limit_violations_total\{.*limit="connections.max_per_user",action="reject"\} 1/,
  );
});

test('names of any length, and of bytes that are no text, are users of their own', async () => {
  await using upstream = await fakeUpstream({ answer: switching });
  await using sluice = await startGatewayOf(config(upstream, '    limits: {connections: {max_per_user: 1}}'));
  const long = 'x'.repeat(50_000);
  const names = ['ä', 'a\u0308', 'a:b', '__proto__', '{x}', `${long}1`, `${long}2`].map((name) =>
    Buffer.from(name).toString('latin1'),
  );
  for (const name of [...names, 'a\xff', 'a\xfe']) {
    await open(sluice.port, name);
    expect(await statusOf(await ask(sluice.port, name))).toBe('429');
  }
});

test('a handshake that fails at the upstream gives the place back', async () => {
  const answers = ['HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', null];
  await using upstream = await fakeUpstream({ answer: (text) => answers.shift() ?? switching(text) });
  await using sluice = await startGatewayOf(config(upstream, '    limits: {connections: {max_per_user: 1}}'));
  expect(await statusOf(await ask(sluice.port, 'ann'))).toBe('403');
  await sluice.logged('refused');
  await open(sluice.port, 'ann');
});

describe('where the route evicts', () => {
  test('the one that has been idle for longest goes with 1008 and a reason, and is told of', async () => {
    await using upstream = await fakeUpstream({ answer: switching });
    await using sluice = await startGatewayOf(config(upstream, evicting(2)));
    const { port } = sluice;
    const older = await open(port, 'ann');
    const idle = await open(port, 'ann');
    const others = await open(port, 'bob');
    // Nobody waits for a tick: the message counts as soon as it has passed.
    older.send(clientFrame('news'));
    const theirs = await upstream.next();
    expect((await theirs.frame()).payload.toString()).toBe('news');
    const newest = await ask(port, 'ann');
    const close = await idle.frame();
    expect(close.payload.readUInt16BE()).toBe(1008);
    expect(close.payload.subarray(2).toString()).toBe(
      'a newer connection of the same user took its place: more than 2 of one user (route a)',
    );
    idle.socket.destroy();
    expect(await statusOf(newest)).toBe('101');
    expect(await sluice.logged('violation')).toMatchObject({ user: 'ann', action: 'close' });
    expect(await sluice.logged('end')).toMatchObject({ reason: 'evicted', closed_by: 'sluice', user: 'ann' });
    expect(await sluice.metrics()).toMatch(/sluice_connections_closed_total\{.*reason="evicted"\} 1/);
    for (const peer of [older, others]) peer.send(clientFrame('still here'));
    expect((await theirs.frame()).payload.toString()).toBe('still here');
  });

  test('one that does not go in time is cut, and the newcomer comes in', async () => {
    await using upstream = await fakeUpstream({ answer: switching });
    await using sluice = await startGatewayOf(config(upstream, evicting(1), '60s'));
    const silent = await open(sluice.port, 'ann');
    silent.socket.pause();
    expect(await statusOf(await ask(sluice.port, 'ann'))).toBe('101');
    expect(await sluice.logged('end')).toMatchObject({ reason: 'evicted' });
  });

  test('never more than the maximum live at once, however many come at once and leave while they wait', async () => {
    await using upstream = await fakeUpstream({ answer: switching });
    await using sluice = await startGatewayOf(config(upstream, evicting(3)));
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, sluice.gateway.sessions.sessions.size);
    }, 1);
    for (let round = 0; round < 5; round++) {
      const peers = await Promise.all(Array.from({ length: 12 }, () => ask(sluice.port, 'ann')));
      peers[0]!.socket.destroy();
      peers[5]!.socket.destroy();
      await Promise.all(peers.filter((_, i) => i !== 0 && i !== 5).map(statusOf));
      expect(sluice.gateway.sessions.sessions.size).toBeLessThanOrEqual(3);
    }
    clearInterval(watch);
    expect(most).toBeLessThanOrEqual(3);
    await open(sluice.port, 'bob');
  });

  test('a drain gives those up who wait', async () => {
    await using upstream = await fakeUpstream({ answer: switching });
    await using sluice = await startGatewayOf(config(upstream, evicting(1), '60s'));
    const silent = await open(sluice.port, 'ann');
    silent.socket.pause();
    const waiting = await ask(sluice.port, 'ann');
    await sluice.logged('violation');
    const stopped = sluice.gateway.stop();
    expect(await sluice.logged('refused')).toMatchObject({ result: 'draining', user: 'ann' });
    await waiting.rest();
    await stopped;
    expect(sluice.gateway.sessions.sessions.size).toBe(0);
  });

  test('nobody goes by a name that only a path says', async () => {
    await using upstream = await fakeUpstream({ answer: switching });
    await using sluice = await startGatewayOf(
      config(upstream, evicting(1)).replace('{header: X-Forwarded-User}', '{path: /user/*}'),
    );
    const peer = await rawConnect(sluice.port);
    peer.sendText(handshakeRequest({ path: '/user/ann/x' }));
    expect(await statusOf(peer)).toBe('101');
    const attacker = await rawConnect(sluice.port);
    attacker.sendText(handshakeRequest({ path: '/user/ann/y' }));
    expect(await statusOf(attacker)).toBe('429');
    expect(sluice.gateway.sessions.sessions.size).toBe(1);
  });
});

test('one user may ask so often from any address, in either lane', async () => {
  const answer = (text: string) =>
    text.includes('Upgrade: websocket')
      ? switching(text)
      : 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
  await using upstream = await fakeUpstream({ answer });
  const rates = '{handshakes_per_user: {rate: 1/s, burst: 2}, requests_per_user: {rate: 1/s, burst: 2}}';
  await using sluice = await startGatewayOf(config(upstream, `    rates: ${rates}`));
  const from = (i: number) => ({ 'X-Forwarded-For': `203.0.113.${i}` });
  /** Asks from another address each time until it is refused; a slow machine may let one more in each second. */
  const untilRefused = async (once: (i: number) => Promise<Peer>) => {
    const heads: string[] = [];
    while (!heads.at(-1)?.includes(' 429 ')) heads.push(await (await once(heads.length % 200)).head());
    return heads;
  };
  const handshakes = await untilRefused((i) => ask(sluice.port, 'ann', from(i)));
  expect(handshakes.slice(0, 2).map((head) => head.slice(9, 12))).toEqual(['101', '101']);
  expect(await sluice.logged('refused')).toMatchObject({ result: 'user_handshake_rate', user: 'ann' });
  expect(await statusOf(await ask(sluice.port, 'bob'))).toBe('101');
  for (const [user, method] of [
    ['ann', 'GET'],
    ['eve', 'PROPFIND'],
  ]) {
    const heads = await untilRefused(async () => {
      const peer = await rawConnect(sluice.port);
      const lines = [`${method} / HTTP/1.1`, 'Host: gateway.test', `X-Forwarded-User: ${user}`, 'Content-Length: 0'];
      peer.sendText(`${lines.join('\r\n')}\r\n\r\n`);
      return peer;
    });
    expect(heads.slice(0, 2).map((head) => head.slice(9, 12))).toEqual(['200', '200']);
    expect(headerOf(heads.at(-1)!, 'Retry-After')).toBe('1');
    expect(await sluice.logged('refused')).toMatchObject({ result: 'user_request_rate', user });
  }
});

test('the configuration of docs/authentication.md does what stands there', async () => {
  const docs = readFileSync(new URL('../../docs/authentication.md', import.meta.url), 'utf8');
  const [, text] = /## Caps per user\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(docs)!;
  await using upstream = await fakeUpstream({ answer: switching });
  const tried = text!
    .replace('trusted_proxies: [10.0.0.0/8]', 'address: "127.0.0.1:0"\n  trusted_proxies: [127.0.0.1]')
    .replace('http://panel:5006', `http://127.0.0.1:${upstream.port}`);
  await using sluice = await startGatewayOf(`admin: {address: "127.0.0.1:0"}\n${tried}`);
  const headers = { Origin: 'https://apps.example.org' };
  const peers: Peer[] = [];
  for (let i = 0; i < 6; i++) peers.push(await ask(sluice.port, 'ann', headers));
  expect(await Promise.all(peers.map(statusOf))).toEqual(Array(6).fill('101'));
  peers[0]!.socket.pause();
  expect(await statusOf(await ask(sluice.port, 'ann', headers))).toBe('101');
  expect(await sluice.logged('end')).toMatchObject({ reason: 'evicted', user: 'ann' });
  expect(await statusOf(await ask(sluice.port, null, headers))).toBe('401');
});
