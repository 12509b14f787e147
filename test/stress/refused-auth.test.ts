/**
 * A process has let a thousand handshakes in. Then come ten thousand with credentials of every kind, wrong in every
 * way. They leave no socket, and little memory: mostly code that ran for the first time. The next ten thousand leave
 * next to nothing. `SLUICE_REFUSED=100000` makes those a hundred thousand, and the bound stays.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { expect, test, vi } from 'vitest';
import { clientFrame } from '../helpers/frames.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest } from '../helpers/raw-client.ts';
import { socketsOn } from '../helpers/sockets.ts';
import { root, scratchDirectory } from '../real/harness/paths.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { type Attempt, startTargets, type Targets } from './wrong-credentials.ts';

const handshakes = Number(process.env.SLUICE_REFUSED ?? 10_000);
const served = 1000;
const atOnce = 50;
const first = 10_000;
/** What those behind the first may leave, in bytes. Measured: -0.3 to 0.7 MB. */
const most = 4e6;
const patience = { timeout: 240_000, interval: 500 };

/**
 * What the first ones may leave. Measured: 4.4 to 5.7 MB over TCP and 4.7 to 8.3 over TLS, of which Node's and V8's
 * code for what none before them needed is 4.5.
 */
const mostAtFirst = { TCP: 8e6, TLS: 10e6 };
/** V8 keeps pages that its threads have had, 5 to 8 MB, until 8 s after it has last collected. */
const pagesGoMs = 20_000;

test.concurrent.each([
  ['TCP', false],
  ['TLS', true],
] as const)(
  `${first} handshakes with wrong credentials leave no socket and little memory, and ${handshakes} more less: over %s`,
  async (name, tls) => {
    await using targets = await startTargets(tls, {
      nodeOptions: `--require=${collector()}`,
      compileCache: compiled(),
    });
    const { sluice, services } = targets;
    const { process } = sluice;
    const threads = await threadsOf(process.pid);
    /**
     * Resolves when Sluice has nothing to do with them any more: neither sockets nor the thread that compares
     * passwords.
     */
    const settled = () =>
      vi.waitFor(async () => {
        expect(await socketsOn([sluice.port, ...services])).toBe(0);
        expect(await threadsOf(process.pid)).toBe(threads);
      }, patience);
    let collections = 0;
    /** What the process takes when V8 has collected what is not in use, which it does when it likes. */
    const inUse = async () => {
      process.signal('SIGUSR2');
      await sluice.logged({ event: 'collected', times: ++collections }, patience.timeout);
      return residentBytes(process.pid);
    };

    const fresh = await inUse();
    await serve(targets, tls, served);
    const atRest = async () => {
      await settled();
      await inUse();
      await setTimeout(pagesGoMs);
      return residentBytes(process.pid);
    };
    const before = await atRest();
    await attempt(targets, tls, 0, first);
    const warm = await atRest();
    const statuses = await attempt(targets, tls, first, handshakes);
    const busy = await residentBytes(process.pid);
    const after = await atRest();
    const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
    console.log(
      `${handshakes} refused handshakes over ${name}: answers ${JSON.stringify(statuses)}; RSS in MB: fresh ${mb(fresh)}, before ${mb(before)}, warm ${mb(warm)}, busy ${mb(busy)}, after ${mb(after)}`,
    );
    expect(warm - before).toBeLessThanOrEqual(mostAtFirst[name]);
    expect(after - warm).toBeLessThanOrEqual(most);
    const kinds = ['basic', 'bearer', 'forward', 'header', 'jupyterhub', 'jwt', ...(tls ? ['client_cert'] : [])];
    expect(Object.keys(statuses).toSorted()).toEqual(kinds.toSorted());
    for (const ofKind of Object.values(statuses)) {
      for (const status of Object.keys(ofKind))
        expect(['302', '401', '429', '431', '500', '503', 'none']).toContain(status);
    }
    for (const kind of kinds) expect(statuses[kind]!['401'], kind).toBeGreaterThan(100);
  },
  Math.max(1_800_000, 30 * handshakes),
);

/** A folder with what V8 made of the program: as in the image, no thread loads what strips types. */
function compiled(): string {
  const path = scratchDirectory('compiled');
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined };
  execFileSync(process.execPath, [join(root, 'scripts/compile-cache.ts'), path], { cwd: root, env });
  return path;
}

/**
 * A script that makes a process collect its garbage at SIGUSR2, and say so. Returns its path. The flag stands for no
 * longer than that: V8 takes code for what was compiled under the very same flags alone.
 */
function collector(): string {
  const path = join(scratchDirectory('collector'), 'collect.cjs');
  const collect = `
    setFlagsFromString('--expose-gc');
    const gc = require('node:vm').runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
    gc({ type: 'major', flavor: 'last-resort' });`;
  const say = `console.log(JSON.stringify({ event: 'collected', times: ++times }))`;
  const begin = `const { setFlagsFromString } = require('node:v8'); let times = 0;`;
  writeFileSync(path, `${begin} process.on('SIGUSR2', () => { ${collect} ${say}; });\n`);
  return path;
}

/** How often each kind got each answer. */
type Answers = Record<string, Record<string, number>>;

/** Asks for a WebSocket. */
function ask({ sluice }: Targets, tls: boolean, { path, headers, from, pem }: Attempt): Peer {
  const where = { port: sluice.port, host: '127.0.0.1', localAddress: from };
  const client = new Peer(tls ? connectTls({ ...where, rejectUnauthorized: false, ...pem }) : connectTcp(where));
  client.sendText(handshakeRequest({ path, headers }));
  return client;
}

/** So many come in, and each hears an answer to a message. */
async function serve(targets: Targets, tls: boolean, count: number): Promise<void> {
  let left = count;
  const one = async () => {
    while (left-- > 0) {
      const client = ask(targets, tls, targets.good);
      expect((await client.head()).slice(9, 12)).toBe('101');
      client.send(clientFrame('hi'));
      expect((await client.frame()).payload.toString()).toBe('hello');
      client.socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** Makes so many attempts, the n-th first, and returns how often each kind got each answer; `none` is none at all. */
async function attempt(targets: Targets, tls: boolean, first: number, count: number): Promise<Answers> {
  const statuses: Answers = {};
  let next = first;
  const one = async () => {
    while (next < first + count) {
      const attempted = targets.attempt(next++);
      const { kind } = attempted;
      const client = ask(targets, tls, attempted);
      const status = await client.head().then(
        (head) => head.slice(9, 12),
        () => 'none',
      );
      client.socket.destroy();
      statuses[kind] ??= {};
      statuses[kind][status] = (statuses[kind][status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return statuses;
}

async function threadsOf(pid: number): Promise<number> {
  return Number(/^Threads:\s+(\d+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
}
