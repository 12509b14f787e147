/** Whoever reads the log may sleep, leave and come back: the gateway relays. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { descriptorOutlet } from '../../../src/observe/log/outlet.ts';
import { type FakeUpstream, fakeUpstream } from '../../helpers/fake-upstream.ts';
import { clientFrame } from '../../helpers/frames.ts';
import { program } from '../../helpers/program.ts';
import { handshakeRequest, rawClient, rawConnect } from '../../helpers/raw-client.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

/** A FIFO that is read when the test says so. */
class Fifo {
  readonly path: string;
  /** Whoever writes gets it. The FIFO has no end while it is open. */
  readonly writer: number;
  #reader: Socket;
  #text = '';

  constructor() {
    const folder = scratchFolder();
    this.path = join(folder, 'log');
    execFileSync('mkfifo', [this.path]);
    this.#reader = this.#open();
    this.writer = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
    onTestFinished(() => {
      closeSync(this.writer);
      this.#reader.destroy();
    });
  }

  async closeReader(): Promise<void> {
    this.#reader.destroy();
    await once(this.#reader, 'close');
  }

  openReader(): void {
    this.#reader = this.#open();
  }

  /** Reads until so much has come. */
  async bytes(count: number): Promise<void> {
    while (this.#text.length < count) await this.#read();
  }

  /** Lines up to the first with this event. */
  async linesTo(event: string): Promise<Record<string, unknown>[]> {
    const lines: Record<string, unknown>[] = [];
    for (;;) {
      const end = this.#text.indexOf('\n');
      if (end < 0) {
        await this.#read();
        continue;
      }
      lines.push(JSON.parse(this.#text.slice(0, end)));
      this.#text = this.#text.slice(end + 1);
      if (lines.at(-1)!.event === event) return lines;
    }
  }

  async #read(): Promise<void> {
    this.#reader.resume();
    await once(this.#reader, 'data');
    this.#reader.pause();
  }

  #open(): Socket {
    const fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    const reader = new Socket({ fd, readable: true, writable: false }).setEncoding('utf8').pause();
    // What is behind the first chunk comes in the same breath, before whoever waits for that one can look.
    return reader.on('data', (chunk: string) => {
      this.#text += chunk;
    });
  }
}

/** `sluice serve` whose log goes into a FIFO. */
async function serveInto(fifo: Fifo, upstream: FakeUpstream) {
  const config = `${fifo.path}.yaml`;
  writeFileSync(
    config,
    `listen: {address: 127.0.0.1:0}
admin: {address: 127.0.0.1:0}
drain: {announce: 0, spread: 0}
timeouts: {close: 100ms}
routes:
  - {name: test, upstream: "http://127.0.0.1:${upstream.port}"}
`,
  );
  const stdio = ['ignore', fifo.writer, 'inherit'] as const;
  const child = spawn(process.execPath, [program, 'serve', '--config', config], { stdio: [...stdio] });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const { address, admin_address } = (await fifo.linesTo('listening')).at(-1)!;
  const portOf = (text: unknown) => Number(String(text).split(':')[1]);
  return { child, exit, port: portOf(address), adminPort: portOf(admin_address) };
}

async function ask(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

async function dropped(adminPort: number): Promise<number> {
  return Number(/^sluice_log_lines_dropped_total.* (\d+)$/m.exec(await ask(adminPort, '/metrics'))![1]);
}

/** Opens and ends a connection: two lines, of 2200 bytes together. */
async function visit(port: number): Promise<void> {
  const client = await rawConnect(port);
  const headers = { Host: `${'long.'.repeat(50)}test` };
  client.sendText(handshakeRequest({ path: `/${'long/'.repeat(50)}`, headers }));
  await client.head();
  client.reset();
  await client.gone;
}

/** Fills the FIFO and all that waits for it, 1.3 MB in all, with 2.2 MB. */
async function overflow(port: number, adminPort: number): Promise<void> {
  for (let visits = 0; visits < 1000; visits += 100) await Promise.all(Array.from({ length: 100 }, () => visit(port)));
  // What a scrape gets may be a second old.
  await expect.poll(() => dropped(adminPort)).toBeGreaterThan(0);
}

async function setUp() {
  const fifo = new Fifo();
  const upstream = await fakeUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  return { fifo, ...(await serveInto(fifo, upstream)), upstream };
}

test('a reader that sleeps stops nobody, and hears what it has missed when it wakes up', {
  timeout: 120_000,
}, async () => {
  const { fifo, port, adminPort, upstream } = await setUp();
  const client = await rawClient(port);
  const peer = await upstream.next();
  await overflow(port, adminPort);
  client.send(clientFrame('are you there'));
  expect((await peer.frame()).payload.toString()).toBe('are you there');
  expect(await ask(adminPort, '/healthz')).toBe('ok\n');

  // While it catches up more may be lost, of connections that end now; each loss is told of.
  let told = 0;
  for (let count = await dropped(adminPort); told !== count; count = await dropped(adminPort)) {
    // What a scrape gets may be a second old: then less was dropped than has been told.
    if (told > count) continue;
    const { level, lines } = (await fifo.linesTo('log_lines_dropped')).at(-1)!;
    expect(level).toBe('warn');
    told += Number(lines);
  }
  // From here on nothing is missing.
  await visit(port);
  await fifo.linesTo('open');
  await fifo.linesTo('end');
});

test('the process ends in time where nobody reads its log, and says its last words where somebody does', {
  timeout: 120_000,
}, async () => {
  const asleep = await setUp();
  await overflow(asleep.port, asleep.adminPort);
  asleep.child.kill('SIGTERM');
  expect(await asleep.exit).toBe(0);

  const awake = await setUp();
  await overflow(awake.port, awake.adminPort);
  awake.child.kill('SIGTERM');
  await awake.fifo.linesTo('stopped');
  expect(await awake.exit).toBe(0);
});

test('a reader that leaves ends nothing, and another one is told what was lost', async () => {
  const { fifo, port, adminPort } = await setUp();
  await fifo.closeReader();
  await visit(port);
  await expect.poll(() => dropped(adminPort)).toBeGreaterThan(0);
  const lost = await dropped(adminPort);
  fifo.openReader();
  await visit(port);
  const lines = await fifo.linesTo('end');
  expect(lines[0]).toMatchObject({ event: 'log_lines_dropped' });
  expect(lines[0]!.lines).toBeGreaterThanOrEqual(lost);
});

test('a full disk loses lines, which are counted, and nothing else', async () => {
  const folder = scratchFolder();
  await using upstream = await fakeUpstream();
  // The line that would tell the ports is lost too.
  const [socket, admin] = [join(folder, 'public'), join(folder, 'admin')];
  const config = join(folder, 'sluice.yaml');
  writeFileSync(
    config,
    `listen: {address: "unix:${socket}"}
admin: {address: "unix:${admin}"}
drain: {announce: 0, spread: 0}
timeouts: {close: 100ms}
routes:
  - {name: test, upstream: "http://127.0.0.1:${upstream.port}"}
`,
  );
  const full = openSync('/dev/full', constants.O_WRONLY);
  const child = spawn(process.execPath, [program, 'serve', '--config', config], { stdio: ['ignore', full, 'inherit'] });
  closeSync(full);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  const answer = async (path: string): Promise<string> => {
    const peer = await rawConnect(admin);
    peer.sendText(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    return String(await peer.rest());
  };
  await expect.poll(() => answer('/readyz').catch(() => ''), { timeout: 60_000 }).toMatch(/^HTTP\/1\.1 200 /);
  const client = await rawClient(socket);
  const server = await upstream.next();
  client.send(clientFrame('hello'));
  expect((await server.frame()).payload.toString()).toBe('hello');
  const lost = /^sluice_log_lines_dropped_total\{reason="unread"\} (\d+)$/m;
  await expect.poll(async () => Number(lost.exec(await answer('/metrics'))![1])).toBeGreaterThan(0);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
});

test('a descriptor that takes no more for now is tried again, as a terminal that was stopped is', async () => {
  const fifo = new Fifo();
  const chunk = Buffer.alloc(200_000, 'x');
  const { promise, resolve } = Promise.withResolvers<number | null>();
  descriptorOutlet(fifo.writer)(chunk, resolve);
  await fifo.bytes(chunk.length);
  expect(await promise).toBeNull();
});
