/**
 * Clients that sleep while output waits for them, before a real server: directly, and through Sluice with its preset.
 * Who has all of it directly has all of it through Sluice. Whom the server gives up is not kept much longer.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type PresetName, presets } from '../../../src/config/model/presets.ts';
import { Sluice } from './sluice.ts';

/** How much waits for a sleeping client: more than the kernels' buffers hold. */
export const flood = { pieces: 32, bytes: 1_000_000 };

/** The same, for Python. */
export const floodEnvironment: NodeJS.ProcessEnv = { PIECES: String(flood.pieces), BYTES: String(flood.bytes) };

/** How long a client sleeps before a server that waits for ever. */
const longMs = 100_000;

interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** Where it may be one of several. */
  readonly path?: string;
}

/** A server that floods who asks for it. */
export interface FloodingServer {
  readonly preset: PresetName;
  readonly start: () => Promise<RunningServer>;
  /** Connects and asks for the flood; resolves when it may begin. `path` is the server's own. */
  readonly ask: (port: number, path: string) => Promise<SleepyClient>;
  /** The numbers of the pieces in a message, where they are not text: `piece NUMBER xxx…`. */
  readonly piecesOf?: (data: Buffer) => number[];
  /** How long it surely waits, where that is less than its patience less 15 s. */
  readonly surelyMs?: number;
  /** A path, below the server's own, whose WebSocket it accepts so late, where an app may do that. */
  readonly late?: { readonly path: string; readonly seconds: number };
}

/** What a client has when it has slept. */
interface Woken {
  readonly pieces: number;
  readonly ordered: boolean;
  /** Where the connection has ended. */
  readonly end: { readonly code: number; readonly reason: string } | null;
}

/** Finds pieces in a stream of text, wherever its messages are cut. */
function textPieces(): (data: Buffer) => number[] {
  const padding = 'x'.repeat(flood.bytes);
  let rest = '';
  return (data) => {
    rest += data.toString('latin1');
    const numbers: number[] = [];
    for (;;) {
      const found = /piece (\d+) /.exec(rest);
      if (found === null) {
        // A name may have been cut.
        rest = rest.slice(-20);
        return numbers;
      }
      const begin = found.index + found[0].length;
      if (rest.length < begin + flood.bytes) return numbers;
      const isWhole = rest.startsWith(padding, begin);
      if (isWhole) numbers.push(Number(found[1]));
      rest = rest.slice(isWhole ? begin + flood.bytes : begin);
    }
  };
}

/** A WebSocket that keeps what it gets until it is asked for. */
export class SleepyClient {
  readonly socket: WebSocket;
  readonly #received: Buffer[] = [];
  #wake = (): void => {};
  #end: { code: number; reason: string } | null = null;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('message', (data) => {
      this.#received.push(data as Buffer);
      this.#wake();
    });
    socket.on('close', (code, reason) => {
      this.#end = { code, reason: String(reason) };
      this.#wake();
    });
  }

  /** One that takes messages of any size. */
  static async open(
    url: string,
    protocols: string[] = [],
    headers: Record<string, string> = {},
  ): Promise<SleepyClient> {
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: 0, headers });
    const opened = once(socket, 'open');
    const client = new SleepyClient(socket);
    await opened;
    return client;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** The next message; `null` where the connection has ended. */
  async next(): Promise<Buffer | null> {
    while (this.#received.length === 0) {
      if (this.#end !== null) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received.shift()!;
  }

  /** Reads nothing for so long, and then until it has so many pieces or its connection has ended. */
  async sleep(ms: number, enough: number, piecesOf = textPieces()): Promise<Woken> {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.pause();
    await delay(ms);
    this.socket.resume();
    let pieces = 0;
    let ordered = true;
    while (pieces < enough) {
      const data = await this.next();
      if (data === null) break;
      for (const number of piecesOf(data)) ordered &&= number === pieces++;
    }
    this.socket.terminate();
    return { pieces, ordered, end: pieces < enough ? this.#end : null };
  }
}

/** A message of Jupyter's protocol, in JSON. */
export function shellMessage(type: string, content: object, metadata: object = {}): string {
  const header = {
    msg_id: randomUUID(),
    msg_type: type,
    session: '',
    username: '',
    version: '5.3',
    date: '2026-01-01',
  };
  return JSON.stringify({ channel: 'shell', header, parent_header: {}, metadata, content, buffers: [] });
}

const ways = ['directly', 'through Sluice'] as const;
type Way = (typeof ways)[number];

/** How long a client of the server sleeps and has everything, and how long one does that is lost. */
function sleepsOf({ preset, surelyMs }: FloodingServer): { readonly napMs: number; readonly lostMs: number | null } {
  const { stuckMs } = presets[preset].bears;
  if (stuckMs === null) return { napMs: longMs, lostMs: null };
  return { napMs: surelyMs ?? stuckMs - 15_000, lostMs: stuckMs + 4000 };
}

/** What comes of those who sleep before one server, on one way. */
interface Sleepers {
  readonly napped: Promise<Woken>;
  readonly lost: Promise<Woken> | null;
  readonly accepted: Promise<SleepyClient> | null;
}

function lull(server: FloodingServer, port: number, path: string): Sleepers {
  const { napMs, lostMs } = sleepsOf(server);
  const sleep = async (ms: number, enough: number) => (await server.ask(port, path)).sleep(ms, enough, server.piecesOf);
  const sleepers: Sleepers = {
    napped: sleep(napMs, flood.pieces),
    lost: lostMs === null ? null : sleep(lostMs, Number.POSITIVE_INFINITY),
    accepted: server.late === undefined ? null : SleepyClient.open(`ws://127.0.0.1:${port}${path}${server.late.path}`),
  };
  // Whoever waits for them hears of what went wrong.
  for (const promise of Object.values(sleepers)) (promise as Promise<unknown> | null)?.catch(() => {});
  return sleepers;
}

/** Starts a server and Sluice before it, and sends all of its clients to bed. */
async function startScene(name: string, server: FloodingServer) {
  await using started = new AsyncDisposableStack();
  const { port, path = '' } = started.use(await server.start());
  const sluice = started.use(
    await Sluice.start({ routes: [{ name, upstream: `http://127.0.0.1:${port}`, preset: server.preset }] }),
  );
  const sleepers: Readonly<Record<Way, Sleepers>> = {
    directly: lull(server, port, path),
    'through Sluice': lull(server, sluice.port, path),
  };
  if (sleepsOf(server).lostMs !== null) {
    const { socket } = await server.ask(sluice.port, path);
    socket.pause();
    started.defer(() => socket.terminate());
  }
  const all = started.move();
  return { sluice, sleepers, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Declares the tests of some servers, whose clients all sleep at once. */
export function sleeperSuite(servers: Readonly<Record<string, FloodingServer>>): void {
  const scenes = new Map<string, Awaited<ReturnType<typeof startScene>>>();

  beforeAll(() =>
    Promise.all(
      Object.entries(servers).map(async ([name, server]) => scenes.set(name, await startScene(name, server))),
    ),
  );

  afterAll(() => Promise.all([...scenes.values()].map((scene) => scene[Symbol.asyncDispose]())));

  describe.each(Object.entries(servers))('%s, clients that sleep', (name, server) => {
    const { napMs, lostMs } = sleepsOf(server);
    const sleepersOf = (way: Way) => scenes.get(name)!.sleepers[way];

    if (server.late !== undefined) {
      it.for(ways)(`%s, one is accepted after ${server.late.seconds} s`, async (way) => {
        (await sleepersOf(way).accepted!).socket.terminate();
      });
    }

    it.for(ways)(`%s, one that sleeps ${napMs / 1000} s has everything`, async (way) => {
      expect(await sleepersOf(way).napped).toEqual({ pieces: flood.pieces, ordered: true, end: null });
    });

    if (lostMs === null) return;

    it.for(ways)(`%s, one that sleeps ${lostMs / 1000} s, longer than its server waits, is lost`, async (way) => {
      const { ordered, end } = await sleepersOf(way).lost!;
      expect(ordered).toBe(true);
      // The server's close frame may lose a race with its reset: a pong that comes too late is not read any more.
      expect([1006, 1011]).toContain(end?.code);
    });

    it('one that never wakes is given up soon after its server has done so', async () => {
      const configured = presets[server.preset].settings['limits.upstream.max_pause'];
      const { sluice } = scenes.get(name)!;
      await sluice.logged({ event: 'end', reason: 'slow_receiver', limit: { name: 'max_pause', configured } });
    });
  });
}
