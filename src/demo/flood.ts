/**
 * `/ws/flood`: a server that sends as fast as it is let, and a client that stops reading. The client is a real
 * WebSocket client of the gateway; a page cannot pause its own socket, a program can.
 */
import { WebSocket } from 'ws';

/** How a WebSocket ended, as its own end saw it. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

/** What the page is told of a flood. `received` is read by the client, `written` taken by the server's kernel. */
export interface FloodState {
  phase: 'idle' | 'flooding' | 'over';
  /** The client does not read. */
  asleep: boolean;
  readonly total: number;
  written: number;
  received: number;
  server: Ending | null;
  client: Ending | null;
}

const chunk = Buffer.alloc(64 * 1024, 'sluice ');
const total = 64 * 1024 * 1024;

/** One flood at a time, shared by all tabs. */
export class Flood {
  readonly #changed: () => void;
  #state: FloodState = quiet();
  #client: WebSocket | null = null;
  /** Whether the server's side of it is open. */
  #serving = false;

  /** `changed` is called after each change of the state. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** A copy of the state. */
  get state(): FloodState {
    return { ...this.#state };
  }

  /** Connects a client to the gateway's `url`; it falls asleep at once. Does nothing while a flood runs. */
  start(url: string): void {
    if (this.#state.phase === 'flooding') return;
    this.#state = { ...quiet(), phase: 'flooding', asleep: true };
    const client = new WebSocket(url, { perMessageDeflate: false });
    this.#client = client;
    client.on('open', () => client.pause());
    client.on('message', (data: Buffer) => {
      this.#state.received += data.length;
      this.#changed();
    });
    client.on('error', () => {}); // 'close' follows, and says it.
    client.on('close', (code, reason) => {
      this.#client = null;
      this.#state.asleep = false;
      this.#state.client = { code, reason: String(reason) };
      this.#ended();
    });
    this.#changed();
  }

  /** Lets the client read again. */
  wake(): void {
    this.#state.asleep = false;
    this.#client?.resume();
    this.#changed();
  }

  /** The server's side: sends the whole flood, each message when the kernel has taken the one before it. */
  serve(socket: WebSocket): void {
    this.#serving = true;
    const next = () => {
      if (this.#state.written >= total) return socket.close(1000, 'that was all');
      socket.send(chunk, (error) => {
        if (error) return;
        this.#state.written += chunk.length;
        this.#changed();
        next();
      });
    };
    socket.on('close', (code, reason) => {
      this.#serving = false;
      this.#state.server = { code, reason: String(reason) };
      this.wake(); // It is over; a client that still sleeps learns how when it reads.
      this.#ended();
    });
    next();
  }

  /** One side has ended: it is over when both have. A client that was refused has no server. */
  #ended(): void {
    if (this.#client === null && !this.#serving) this.#state.phase = 'over';
    this.#changed();
  }

  /** Drops the client, if any. */
  stop(): void {
    this.#client?.terminate();
  }
}

function quiet(): FloodState {
  return { phase: 'idle', asleep: false, total, written: 0, received: 0, server: null, client: null };
}
