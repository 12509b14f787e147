/** The demo as `npm start` runs it, on free ports: what a person can try, tried by a program through Sluice. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { run } from '../../src/cli/demo.ts';
import { type Demo, startDemo } from '../../src/cli/demo-start.ts';
import { changedSamples, parseSamples } from '../../src/demo/counters.ts';

type LogLine = Record<string, unknown>;

let demo: Demo;
const log: LogLine[] = [];

beforeAll(async () => {
  demo = await startDemo(0, (line) => log.push(JSON.parse(line) as LogLine));
});
afterAll(() => demo.stop());

/** A client of one of the demo's routes, connected. */
async function connect(path: string): Promise<WebSocket> {
  const socket = new WebSocket(demo.gateway.replace('http', 'ws') + path, { perMessageDeflate: false });
  await once(socket, 'open');
  return socket;
}

async function answer(socket: WebSocket): Promise<Record<string, unknown>> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(String(data)) as Record<string, unknown>;
}

async function ending(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: String(reason) };
}

/** The event stream's events, through Sluice, until `enough` says so; each as `[name, data]`. */
async function events(enough: (name: string, data: never) => boolean): Promise<[string, unknown][]> {
  const response = await fetch(`${demo.gateway}/events`);
  const seen: [string, unknown][] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const [name = '', data = ''] = block.split('\n').map((line) => line.slice(line.indexOf(': ') + 2));
      seen.push([name, JSON.parse(data)]);
      if (enough(name, JSON.parse(data) as never)) return seen;
    }
  }
  throw new Error('the event stream ended');
}

describe('the page', () => {
  test('comes through Sluice with everything that it refers to', async () => {
    const page = await (await fetch(demo.gateway)).text();
    const scripts = await (await fetch(`${demo.gateway}/main.js`)).text();
    const files = [
      ...[...page.matchAll(/(?:src|href)="(\/[^"]+\.\w+)"/g)].map(([, path]) => path!),
      ...[...scripts.matchAll(/from '\.(\/[^']+)'/g)].map(([, path]) => path!),
    ];
    expect(files).toContain('/style.css');
    expect(files).toContain('/flood.js');
    for (const path of files) expect([path, (await fetch(demo.gateway + path)).status]).toEqual([path, 200]);
    expect(page).not.toMatch(/https?:\/\//);
  });

  test('is told the limits and the words of the configuration', async () => {
    const [[name, setup]] = (await events((event) => event === 'setup')) as [[string, Record<string, unknown>]];
    expect(name).toBe('setup');
    expect(setup).toMatchObject({
      gateway: demo.gateway,
      limits: { message: 65_536, chunk: 262_144, floodBuffer: 262_144, floodPauseMs: 8000 },
      yaml: { messages: expect.stringMatching(/^- name: messages\n(.*\n)*.*max_message_size: 64KiB.*$/) },
    });
  });
});

describe('messages', () => {
  test('pass at the limit', async () => {
    const socket = await connect('/ws/messages');
    socket.send('s'.repeat(65_536));
    expect(await answer(socket)).toEqual({ type: 'received', bytes: 65_536 });
    socket.close(1000);
    await ending(socket);
  });

  test('are refused one byte above it, with the reason, a counter that the page sees, and a log line', async () => {
    const counted = events((name, data: Record<string, number>) =>
      Object.keys(data).some((key) => name === 'counters' && key.includes('limit_violations') && data[key] === 1),
    );
    const socket = await connect('/ws/messages');
    socket.send('s'.repeat(65_537));
    expect(await ending(socket)).toEqual({
      code: 1009,
      reason: 'message of 65537 bytes exceeds 65536 (route messages)',
    });
    const [, samples] = (await counted).at(-1) as [string, Record<string, number>];
    const name =
      'sluice_limit_violations_total{route="messages",sender="client",limit="max_message_size",action="close"}';
    expect(samples[name]).toBe(1);
    // The line comes when both sides are gone, which the client does not wait for.
    await expect
      .poll(() => log)
      .toContainEqual(
        expect.objectContaining({ event: 'end', reason: 'message_too_big', flag: 'ML', route: 'messages' }),
      );
  });
});

describe('a file', () => {
  test('arrives in chunks, and is confirmed with its SHA-256', async () => {
    const socket = await connect('/ws/files');
    const chunk = Buffer.alloc(262_144, 'a');
    socket.send(JSON.stringify({ size: 3 * chunk.length }));
    const answers: unknown[] = [];
    socket.on('message', (data: Buffer) => {
      answers.push(JSON.parse(String(data)));
      if (answers.length === 4) socket.close(1000);
    });
    for (let i = 0; i < 3; i++) socket.send(chunk);
    await ending(socket);
    expect(answers.slice(0, 3)).toEqual([1, 2, 3].map((n) => ({ type: 'chunk', received: n * chunk.length })));
    expect(answers[3]).toMatchObject({ type: 'done', received: 3 * chunk.length });
    const sha256 = createHash('sha256')
      .update(Buffer.alloc(3 * chunk.length, 'a'))
      .digest('hex');
    expect(answers[3]).toMatchObject({ sha256 });
  });

  test('is refused as one message', async () => {
    const socket = await connect('/ws/files');
    socket.send(JSON.stringify({ size: 1_000_000 }));
    socket.send(Buffer.alloc(1_000_000));
    expect(await ending(socket)).toMatchObject({ code: 1009 });
  });
});

describe('the flood', () => {
  interface State {
    phase: string;
    written: number;
    received: number;
    total: number;
    server: { code: number } | null;
  }
  const post = (path: string) => fetch(demo.gateway + path, { method: 'POST' });
  const over = (name: string, data: State) => name === 'flood' && data.phase === 'over';
  const paused = (name: string, data: Record<string, number>) =>
    name === 'counters' && data['sluice_paused_connections{route="flood",sender="upstream"}'] === 1;

  test('arrives whole when the client wakes in time', async () => {
    await post('/flood/start');
    await events(paused);
    await post('/flood/wake');
    const [, state] = (await events(over)).at(-1) as [string, State];
    expect(state).toMatchObject({ received: state.total, written: state.total, server: { code: 1000 } });
  });

  test('ends as slow_receiver when the client sleeps on, with most of it still at the server', async () => {
    await post('/flood/start');
    await events(paused);
    const [, state] = (await events(over)).at(-1) as [string, State];
    expect(state.server).toMatchObject({ code: 1001 });
    expect(state.written).toBeLessThan(state.total / 2);
    expect(log).toContainEqual(expect.objectContaining({ event: 'end', reason: 'slow_receiver', flag: 'SR' }));
  });
});

describe('the command', () => {
  test('says which port is taken, and what to do', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as { port: number };
    const told: string[] = [];
    const write = process.stderr.write;
    process.stderr.write = ((text: string, done: () => void) => {
      told.push(text);
      done();
      return true;
    }) as typeof process.stderr.write;
    try {
      expect(await run(['--port', String(port)])).toBe(1);
      expect(await run(['--port', 'http'])).toBe(2);
    } finally {
      process.stderr.write = write;
      holder.close();
    }
    expect(told[0]).toMatch(/port \d+ is taken/);
    expect(told[0]).toContain('--port');
    expect(told[1]).toContain('--port http is not a port');
  });
});

describe('the page’s counters', () => {
  test('are read from the text that Prometheus reads, and sent when they change', () => {
    const text = [
      '# HELP sluice_messages_total x',
      '# TYPE sluice_messages_total counter',
      'sluice_messages_total{route="a b} c",sender="client",type="text"} 3',
      'sluice_message_size_bytes_bucket{route="a",le="64"} 9',
      'sluice_buffered_bytes{route="a",sender="client"} 1.5e3 1700000000000',
      '',
    ].join('\n');
    const samples = parseSamples(text);
    expect(samples).toEqual({
      'sluice_messages_total{route="a b} c",sender="client",type="text"}': 3,
      'sluice_buffered_bytes{route="a",sender="client"}': 1500,
    });
    expect(changedSamples({ a: 1, b: 2 }, { a: 1, b: 3, c: 0 })).toEqual({ b: 3, c: 0 });
  });
});
