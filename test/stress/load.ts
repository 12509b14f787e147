/** Load for the stress suites: a Sluice in front of a bare upstream, and peers that send for as long as they can. */
import { type FakeUpstream, fakeUpstream, type UpstreamPeer } from '../helpers/fake-upstream.ts';
import { frame } from '../helpers/frames.ts';
import type { Peer } from '../helpers/peer.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { socketsOn } from '../helpers/sockets.ts';
import { residentBytes } from '../real/harness/process-memory.ts';
import { Sluice, type SluiceOptions } from '../real/harness/sluice.ts';

export const MiB = 1024 * 1024;

/** A client, and the upstream's end of its connection. */
export interface Pair {
  readonly client: Peer;
  readonly upstream: UpstreamPeer;
}

export class Stage implements AsyncDisposable {
  readonly sluice: Sluice;
  readonly backend: FakeUpstream;

  private constructor(sluice: Sluice, backend: FakeUpstream) {
    this.sluice = sluice;
    this.backend = backend;
  }

  /**
   * Starts both. `route` is the route's settings without name, match and upstream; `top` are other keys of the file.
   */
  static async start(
    route: Record<string, unknown>,
    top: Record<string, unknown> = {},
    options: SluiceOptions = {},
  ): Promise<Stage> {
    const backend = await fakeUpstream();
    const upstream = `http://127.0.0.1:${backend.port}`;
    const sluice = await Sluice.start(
      {
        ...top,
        routes: [{ name: 'stress', match: { path: '/' }, upstream, ...route }],
      },
      options,
    );
    return new Stage(sluice, backend);
  }

  async open(): Promise<Pair> {
    const client = await rawClient(this.sluice.port);
    return { client, upstream: await this.backend.next() };
  }

  /** Opens that many, one after the other, so that each client is paired with its own upstream. */
  async openMany(count: number): Promise<Pair[]> {
    const pairs: Pair[] = [];
    for (let i = 0; i < count; i++) pairs.push(await this.open());
    return pairs;
  }

  /** Resident memory of Sluice in bytes. */
  resident(): Promise<number> {
    return residentBytes(this.sluice.process.pid);
  }

  /** How many sockets Sluice and the backend have. */
  openSockets(): Promise<number> {
    return socketsOn([this.sluice.port, this.backend.port]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sluice.stop();
    await this.backend[Symbol.asyncDispose]();
  }
}

/** Drops what arrives instead of keeping it, and counts it. */
export function discard(peer: Peer): { readonly bytes: number } {
  const counter = { bytes: 0 };
  peer.socket.removeAllListeners('data');
  peer.socket.on('data', (chunk: Buffer) => {
    counter.bytes += chunk.length;
  });
  return counter;
}

/** Sends frames of `size` bytes for as long as the other side takes them; the function ends it. */
export function flood(peer: Peer, size: number, mask: boolean, fill = 0): () => void {
  const bytes = frame(Buffer.alloc(size, fill), { opcode: 2, mask });
  let on = true;
  const more = () => {
    while (on && !peer.socket.destroyed && peer.socket.write(bytes));
    if (on && !peer.socket.destroyed) peer.socket.once('drain', more);
  };
  more();
  return () => {
    on = false;
  };
}

/** Sends one binary message of `size` bytes without holding it, and resolves when Node has passed it on. */
export async function sendLarge(peer: Peer, size: number, mask: boolean): Promise<void> {
  const header = frame('', { opcode: 2, length: size, lengthBits: 64, mask });
  peer.socket.write(header);
  const piece = Buffer.alloc(256 * 1024);
  for (let left = size; left > 0; ) {
    const bytes = left < piece.length ? piece.subarray(0, left) : piece;
    left -= bytes.length;
    if (!peer.socket.write(bytes)) await new Promise((resolve) => peer.socket.once('drain', resolve));
  }
}

/** The highest value of `measure` while `work` is under way. */
export async function peakOf(measure: () => Promise<number>, work: Promise<unknown>): Promise<number> {
  let peak = await measure();
  const timer = setInterval(() => void measure().then((value) => (peak = Math.max(peak, value))), 50);
  try {
    await work;
  } finally {
    clearInterval(timer);
  }
  return peak;
}

/** Resolves when the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
