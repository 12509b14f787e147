/**
 * Two Sluices that share the caps of a real redis-server, under load, while it is killed, frozen, full, demoted and
 * kept busy. Valkey speaks the same protocol.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from '../../helpers/listen.ts';
import { backendCert, backendKey, caCert } from '../../helpers/private-ca.ts';
import { scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { Sluice } from '../harness/sluice.ts';
import { type Redis, startRedis } from './redis.ts';

let backend: Server;
let port: number;

beforeEach(async () => {
  backend = createServer();
  const sockets = new WebSocketServer({ server: backend });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  port = await listen(backend);
});

afterEach(() => {
  backend.closeAllConnections();
  backend.close();
});

const cap = 4;

function config(redis: Redis, quotas: object = {}) {
  return {
    listen: { trusted_proxies: ['127.0.0.1'] },
    // Nothing is late because a machine is busy.
    quotas: { store: `redis://127.0.0.1:${redis.port}`, timeout: '30s', ...quotas },
    log: { max_rate: 'unlimited' },
    routes: [
      {
        name: 'echo',
        upstream: `http://127.0.0.1:${port}`,
        identity: { header: 'X-Forwarded-User' },
        limits: { connections: { max_per_user: cap } },
      },
    ],
  };
}

/** A Sluice that counts with others. */
async function startSharing(redis: Redis, quotas: object = {}): Promise<Sluice> {
  const sluice = await Sluice.start(config(redis, quotas));
  await told(sluice, 'quota_store_found', 1);
  return sluice;
}

/** A connection of a user, or the status that it got. */
async function open({ port: at }: Sluice, user: string): Promise<WebSocket | number> {
  const socket = new WebSocket(`ws://127.0.0.1:${at}/`, { headers: { 'X-Forwarded-User': user } });
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket | number>();
  socket.on('open', () => resolve(socket));
  socket.on('unexpected-response', (request, { statusCode }) => {
    request.destroy();
    resolve(statusCode!);
  });
  socket.on('error', reject);
  return await promise;
}

const isOpen = (one: WebSocket | number): one is WebSocket => typeof one !== 'number';

async function close(...sockets: readonly WebSocket[]): Promise<void> {
  await Promise.all(
    sockets.map(async (socket) => {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    }),
  );
}

/** What came of so many handshakes of a user at each Sluice, all at once. */
async function rush(sluices: readonly Sluice[], user: string, each: number): Promise<WebSocket[]> {
  const asked = sluices.flatMap((sluice) => Array.from({ length: each }, () => open(sluice, user)));
  const came = await Promise.all(asked);
  for (const one of came) if (!isOpen(one)) expect(one).toBe(429);
  return came.filter(isOpen);
}

/** People who come, say something, hear it and leave, at both, without an end; nobody of them may notice anything. */
class Load implements AsyncDisposable {
  rounds = 0;
  readonly problems: unknown[] = [];
  readonly #workers: Promise<void>[];
  #isOver = false;

  constructor(sluices: readonly Sluice[], workers: number) {
    this.#workers = Array.from({ length: workers }, async (_, i) => {
      while (!this.#isOver) await this.#visit(sluices[i % sluices.length]!, `load-${i}`);
    });
  }

  async #visit(sluice: Sluice, user: string): Promise<void> {
    try {
      const socket = await open(sluice, user);
      if (!isOpen(socket)) throw new Error(`a handshake got ${socket}`);
      const echoed = once(socket, 'message');
      socket.send('x');
      await echoed;
      await close(socket);
      this.rounds++;
    } catch (error) {
      this.problems.push(error);
    }
  }

  /** Resolves when everybody has come so many times more. */
  async more(rounds: number): Promise<void> {
    const before = this.rounds;
    await expect.poll(() => this.rounds, { timeout: 60_000 }).toBeGreaterThan(before + rounds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
  }
}

/** Resolves when a Sluice has told an event so many times. */
async function told(sluice: Sluice, event: string, times: number): Promise<void> {
  const count = () => sluice.log.filter((line) => line.event === event).length;
  await expect.poll(count, { timeout: 60_000, message: sluice.process.output }).toBeGreaterThanOrEqual(times);
}

const lastProblem = ({ log }: Sluice) => log.findLast(({ event }) => event === 'quota_store_lost')?.problem;

test('a server that is killed and started again under load: caps over both, then of each, then over both, and nobody lost', async () => {
  const redis = await startRedis();
  await using a = await startSharing(redis);
  await using b = await startSharing(redis);
  const both = [a, b];
  await using load = new Load(both, 16);
  const users = Array.from({ length: 10 }, (_, i) => `user-${i}`);
  const held = new Map<string, WebSocket[]>();
  for (const user of users) held.set(user, await rush(both, user, cap + 2));
  for (const user of users) expect(held.get(user)).toHaveLength(cap);
  await load.more(200);

  await redis.stop();
  for (const sluice of both) await told(sluice, 'quota_store_lost', 1);
  for (const user of users) held.get(user)!.push(...(await rush(both, user, cap + 2)));
  for (const user of users) expect(held.get(user)).toHaveLength(2 * cap);
  await load.more(200);
  expect(await a.metric('quota_store_up')).toBe(0);
  expect(await a.metric('quota_store_decisions_total', { result: 'local' })).toBeGreaterThan(0);

  await redis.start();
  for (const sluice of both) await told(sluice, 'quota_store_found', 2);
  for (const user of users) expect(await rush(both, user, 2)).toEqual([]);
  for (const user of users) {
    const mine = held.get(user)!;
    expect(mine.every(({ readyState }) => readyState === WebSocket.OPEN)).toBe(true);
    await close(...mine.splice(cap - 1));
  }
  // One more is let in, in either of them, once both have told what was given back.
  for (const user of users) {
    const mine = held.get(user)!;
    await expect.poll(async () => mine.push(...(await rush(both, user, 1))), { timeout: 60_000 }).toBe(cap);
    expect(await rush(both, user, 2)).toEqual([]);
  }
  await load.more(200);
  expect(await a.metric('quota_store_up')).toBe(1);
  await close(...[...held.values()].flat());
  expect(load.problems).toEqual([]);
});

test('a server that stands still: who waits goes on, messages flow, and caps hold again when it goes on', async () => {
  const redis = await startRedis();
  await using a = await startSharing(redis, { timeout: '2s' });
  await using b = await startSharing(redis, { timeout: '2s' });
  const both = [a, b];
  await using load = new Load(both, 16);
  const mine = await rush(both, 'ann', cap + 2);
  expect(mine).toHaveLength(cap);
  redis.freeze();
  const waiting = rush(both, 'ann', cap + 2);
  for (let i = 0; i < 100; i++) {
    const echoed = once(mine[0]!, 'message');
    mine[0]!.send(`${i}`);
    expect(String((await echoed)[0])).toBe(`${i}`);
  }
  mine.push(...(await waiting));
  expect(mine).toHaveLength(2 * cap);
  for (const sluice of both) {
    await told(sluice, 'quota_store_lost', 1);
    expect(lastProblem(sluice)).toBe('no answer within 2000 ms');
  }
  await load.more(200);
  redis.thaw();
  for (const sluice of both) await told(sluice, 'quota_store_found', 2);
  expect(await rush(both, 'ann', 2)).toEqual([]);
  expect(mine.every(({ readyState }) => readyState === WebSocket.OPEN)).toBe(true);
  await load.more(200);
  await close(...mine);
  expect(load.problems).toEqual([]);
});

describe('a server that answers and does not serve keeps nobody out, says why, and is taken again', () => {
  test.each<[string, (redis: Redis) => Promise<unknown>, (redis: Redis) => Promise<unknown>, RegExp]>([
    [
      'full',
      ({ ask }) => ask('CONFIG', 'SET', 'maxmemory', '1'),
      ({ ask }) => ask('CONFIG', 'SET', 'maxmemory', '0'),
      /^OOM: /,
    ],
    [
      'a replica',
      ({ ask }) => ask('REPLICAOF', '127.0.0.1', '1'),
      ({ ask }) => ask('REPLICAOF', 'NO', 'ONE'),
      /^READONLY: /,
    ],
    [
      'guarded by another password',
      async ({ ask }) => {
        await ask('CONFIG', 'SET', 'requirepass', 'new');
        await ask('-a', 'new', '--no-auth-warning', 'CLIENT', 'KILL', 'TYPE', 'normal');
      },
      ({ ask }) => ask('-a', 'new', '--no-auth-warning', 'CONFIG', 'SET', 'requirepass', ''),
      /^NOAUTH: /,
    ],
  ])('%s', async (_, harm, heal, problem) => {
    const redis = await startRedis();
    await using sluice = await startSharing(redis);
    await using load = new Load([sluice], 8);
    const mine = await rush([sluice], 'ann', cap);
    await harm(redis);
    await told(sluice, 'quota_store_lost', 1);
    await expect.poll(() => lastProblem(sluice), { timeout: 60_000 }).toMatch(problem);
    await load.more(100);
    await heal(redis);
    const found = sluice.log.filter(({ event }) => event === 'quota_store_found').length;
    await told(sluice, 'quota_store_found', found + 1);
    expect(await rush([sluice], 'ann', 1)).toEqual([]);
    await close(...mine);
    expect(load.problems).toEqual([]);
  });

  test('busy with somebody else’s script', async () => {
    const redis = await startRedis('--lua-time-limit', '20');
    await using sluice = await startSharing(redis);
    await using load = new Load([sluice], 8);
    // It ends when it is killed.
    const script = redis.ask('EVAL', 'while true do end', '0');
    await told(sluice, 'quota_store_lost', 1);
    await expect.poll(() => lastProblem(sluice), { timeout: 60_000 }).toMatch(/^BUSY: /);
    await load.more(100);
    await redis.ask('SCRIPT', 'KILL');
    await script;
    await told(sluice, 'quota_store_found', 2);
    await load.more(100);
    expect(load.problems).toEqual([]);
  });
});

// envoyproxy/ratelimit#1191, gravitee-io/gravitee-api-management#19870: who had a connection to the server before
// stayed with it, and heard READONLY for good.
test('a failover behind one address, which the server before stays reachable at: caps hold at the new primary', async () => {
  const before = await startRedis();
  const after = await startRedis();
  let to = before.port;
  const address = createTcpServer((client) => {
    const server = connect(to, '127.0.0.1');
    for (const socket of [client, server]) socket.on('error', () => {});
    client.pipe(server).pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  onTestFinished(() => void address.close());
  const shared = { ...before, port: await listen(address) };
  await after.ask('REPLICAOF', '127.0.0.1', String(before.port));
  await expect.poll(() => after.ask('INFO', 'replication'), { timeout: 60_000 }).toContain('master_link_status:up');
  await using sluice = await startSharing(shared);
  await using load = new Load([sluice], 8);
  const mine = await rush([sluice], 'ann', cap);
  await load.more(100);
  await before.ask('FAILOVER', 'TO', '127.0.0.1', String(after.port));
  await expect.poll(() => after.ask('ROLE'), { timeout: 60_000 }).toContain('master');
  to = after.port;
  await told(sluice, 'quota_store_lost', 1);
  await told(sluice, 'quota_store_found', 2);
  await load.more(100);
  expect(await rush([sluice], 'ann', 2)).toEqual([]);
  // The new primary has it from Sluice itself.
  expect(await after.ask('CLIENT', 'LIST', 'TYPE', 'normal')).toContain('cmd=evalsha');
  await close(...mine);
  expect(load.problems).toEqual([]);
});

test('what a killed Sluice had is forgotten, and what one had that ends is given back at once', async () => {
  const redis = await startRedis();
  await using a = await startSharing(redis);
  await using b = await startSharing(redis);
  await using c = await startSharing(redis);
  const ofA = await rush([a], 'ann', cap);
  const ofC = await rush([c], 'bob', cap);
  expect([ofA.length, ofC.length]).toEqual([cap, cap]);
  expect(await rush([b], 'ann', 1)).toEqual([]);
  expect(await rush([b], 'bob', 1)).toEqual([]);
  for (const socket of [...ofA, ...ofC]) socket.on('error', () => {});
  await c.stop();
  const again: WebSocket[] = [];
  await expect.poll(async () => again.push(...(await rush([b], 'bob', 1))), { timeout: 60_000 }).toBe(cap);
  await a.process.stop('SIGKILL');
  // Half a minute, at most.
  await expect.poll(async () => (await rush([b], 'ann', 1)).length, { timeout: 80_000, interval: 500 }).toBe(1);
});

test('over TLS with a certificate for each side, as a user who may do no more than is needed', async () => {
  const folder = scratchDirectory('redis-tls');
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ca = write('ca.crt', caCert);
  const cert = write('backend.crt', backendCert);
  const key = write('backend.key', backendKey);
  const password_file = write('password', 'a-password-of-somebody\n');
  const rules = '~{sluice}:* +auth +select +set +get +eval +evalsha +time +hgetall +hset +hdel +pexpire';
  const tlsPort = await freePort();
  const redis = await startRedis(
    ...['--tls-port', `${tlsPort}`, '--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key],
    ...['--user', 'sluice', 'on', '>a-password-of-somebody', ...rules.split(' ')],
  );
  const quotas = { store: `rediss://127.0.0.1:${tlsPort}/2`, username: 'sluice', password_file };
  const tls = { ca, server_name: 'backend.test', client_cert: cert, client_key: key };
  await using a = await startSharing(redis, { ...quotas, tls });
  await using b = await startSharing(redis, { ...quotas, tls });
  const mine = await rush([a, b], 'ann', cap);
  expect(mine).toHaveLength(cap);
  expect(await a.metric('quota_store_up')).toBe(1);
  await close(...mine);
  // Without its certificate, and by a name that the server's does not hold.
  for (const [wrong, problem] of [
    [{ ca, server_name: 'backend.test' }, /certificate required/],
    [{ ...tls, server_name: 'other.test' }, /other\.test/],
  ] as const) {
    await using c = await Sluice.start(config(redis, { ...quotas, tls: wrong }));
    await told(c, 'quota_store_lost', 1);
    expect(lastProblem(c)).toMatch(problem);
    await close(...(await rush([c], 'ann', 1)));
  }
  for (const { process } of [a, b]) expect(process.output).not.toContain('a-password');
});
