/**
 * The connections to one upstream that plain HTTP uses again.
 *
 *            lease ─────────────────────────────► lent ──► giveBack ──► idle ──┐
 *              ├ all in use: waits its turn ──► ▲   ▲          │                │ 4 s, 60 s of age,
 *              └ none that fits: connects ──────┘   └──────────┼── lease ───────┤ or the upstream's end
 *                                                   discard ───┴────────────────┴──► closed
 *
 * How to use it:
 *
 *   const lease = await pool.lease({ reuse: 'any', timeoutMs, signal }); `take('any')` does not wait, and may have none
 *   if ('problem' in lease) …                                            a ConnectFailure: `outcomeOf[lease.problem]`
 *   … lease.socket …                                                     TCP or TLS, nobody reads it
 *   lease.giveBack()  or  lease.discard()                                exactly one of them counts; the first
 *
 * - While a connection is lent the pool listens to nothing on it: whoever has it gives it back when the answer is whole
 *   and nothing of it is unread, and discards it otherwise, also when it has closed. The handle may have got another
 *   socket meanwhile, or keep a reader: `giveBack(socket)`. Such a connection is lent no more to those who ask for a
 *   `plain` one, on which nobody but they read. Idle, it is resumed, and whatever comes ends it; a reader that takes
 *   bytes before they are `'data'` destroys the socket then.
 * - `reused` says that the upstream may be closing it in this moment: a request that may be repeated, and that ends
 *   before the first byte of an answer, is sent once more with `reuse: 'none'`. Ask for `any` only with such a request
 *   (an idempotent method, no body), and for `none` with all others.
 * - A lease may come in the moment in which `signal` is aborted: look at the signal before you use it.
 */
import type { Socket } from 'node:net';
import type { Connected } from './connect.ts';
import type { ConnectFailure } from './failure.ts';

/**
 * How long a connection stays idle. gunicorn closes idle connections after 2 s, uvicorn and Node after 5 s; ours are
 * gone before most of them.
 */
const idleMs = 4000;
/**
 * The greatest age of a connection. After a change of DNS, or of certificates, everything is on new ones within this
 * time.
 */
const greatestAgeMs = 60_000;

/** Which connections fit: any; none but a new one. */
export type Reuse = 'any' | 'none';

/** What a request asks for. */
export interface LeaseAsk {
  readonly reuse: Reuse;
  /** For waiting and connecting together; 0 is off. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Opens a connection. */
export type Open = (timeoutMs: number, signal: AbortSignal) => Promise<Connected | ConnectFailure>;

/** A connection, lent. */
export interface PoolLease {
  readonly socket: Socket;
  /** It has carried requests before. */
  readonly reused: boolean;
  /** The time it took to connect, in milliseconds; `null` if it was connected already. */
  readonly connectMs: number | null;
  /** Lets others use it. `socket` is given if the handle has got another one, or if a reader stays on it. */
  giveBack(socket?: Socket): void;
  /** Closes it; `socket` likewise. */
  discard(socket?: Socket): void;
}

/** A connection of the pool, in whatever hands. */
interface Connection {
  readonly socket: Socket;
  readonly openedAt: number;
}

interface Idle extends Connection {
  readonly since: number;
  /** Ends the watching. */
  readonly off: () => void;
}

interface Waiter extends LeaseAsk {
  readonly since: number;
  readonly resolve: (lease: PoolLease | ConnectFailure | Promise<PoolLease | ConnectFailure>) => void;
  readonly off: () => void;
}

export class Pool {
  readonly #open: Open;
  /** The longest idle first. */
  readonly #idle: Idle[] = [];
  readonly #waiting = new Set<Waiter>();
  /** Connections: idle, lent, or being opened. */
  #size = 0;
  #max: number;
  #keeps = true;
  #sweep: NodeJS.Timeout | undefined;

  /** `max` bounds the connections, and the requests that wait for one. */
  constructor(open: Open, max: number) {
    this.#open = open;
    this.#max = max;
  }

  /** Connections, in whatever state. */
  get size(): number {
    return this.#size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  set max(max: number) {
    this.#max = max;
    this.#serve();
  }

  /** Returns an idle connection that fits, the last used first; `null` if there is none. */
  take(reuse: Reuse): PoolLease | null {
    if (reuse === 'none') return null;
    for (;;) {
      const last = this.#idle.pop();
      if (last === undefined) return null;
      last.off();
      const ageMs = performance.now() - last.openedAt;
      if (ageMs <= greatestAgeMs && isUsable(last.socket)) return new Lent(this, last, null);
      this.#close(last.socket);
    }
  }

  /** A connection: an idle one, a new one, or what others give back. */
  async lease(ask: LeaseAsk): Promise<PoolLease | ConnectFailure> {
    if (ask.signal.aborted) return left;
    // Whoever waits came first.
    if (this.#waiting.size > 0) return this.#wait(ask);
    return this.take(ask.reuse) ?? (this.#hasRoom() ? this.#connect(ask, ask.timeoutMs) : this.#wait(ask));
  }

  /** Keeps nothing from now on. Idle connections are closed now, and lent ones when they come back. */
  retire(): void {
    this.#keeps = false;
    clearTimeout(this.#sweep);
    this.#sweep = undefined;
    for (const { socket, off } of this.#idle.splice(0)) {
      off();
      this.#close(socket);
    }
  }

  /** Keeps connections again. */
  revive(): void {
    this.#keeps = true;
  }

  /** For leases alone. */
  takeBack(connection: Connection): void {
    const { socket, openedAt } = connection;
    if (this.#keeps && isUsable(socket) && performance.now() - openedAt <= greatestAgeMs) this.#keep(connection);
    else this.#close(socket);
    this.#serve();
  }

  /** For leases alone. */
  drop(socket: Socket): void {
    this.#close(socket);
    this.#serve();
  }

  /** Closes the connection that has been idle for the longest; `false` where there is none. */
  closeIdle(): boolean {
    const oldest = this.#idle.shift();
    if (oldest === undefined) return false;
    oldest.off();
    this.#close(oldest.socket);
    return true;
  }

  #hasRoom(): boolean {
    return this.#size < this.#max || this.closeIdle();
  }

  async #connect({ signal }: LeaseAsk, timeoutMs: number): Promise<PoolLease | ConnectFailure> {
    this.#size++;
    let opened: Awaited<ReturnType<Open>>;
    try {
      opened = await this.#open(timeoutMs, signal);
    } catch (error) {
      // A mistake of ours costs the request that met it, and no place in the pool.
      this.#size--;
      this.#serve();
      throw error;
    }
    if ('problem' in opened) {
      this.#size--;
      this.#serve();
      return opened;
    }
    const { socket, elapsedMs } = opened;
    return new Lent(this, { socket, openedAt: performance.now() }, elapsedMs);
  }

  #wait(ask: LeaseAsk): Promise<PoolLease | ConnectFailure> {
    if (this.#waiting.size >= this.#max) return Promise.resolve(this.#busy('as many requests wait for one'));
    return new Promise((resolve) => {
      const end = (result: ConnectFailure) => {
        waiter.off();
        resolve(result);
      };
      const onAbort = () => end(left);
      const late = () => end(this.#busy(`none came free in ${ask.timeoutMs} ms`));
      const timer = ask.timeoutMs > 0 ? setTimeout(late, ask.timeoutMs) : undefined;
      const waiter: Waiter = {
        ...ask,
        since: performance.now(),
        resolve,
        off: () => {
          this.#waiting.delete(waiter);
          clearTimeout(timer);
          ask.signal.removeEventListener('abort', onAbort);
        },
      };
      ask.signal.addEventListener('abort', onAbort);
      this.#waiting.add(waiter);
    });
  }

  /** Gives the requests that wait, in their order, what there is. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      const lease = this.take(waiter.reuse);
      if (lease === null && !this.#hasRoom()) return;
      waiter.off();
      const { timeoutMs, since } = waiter;
      const leftMs = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (performance.now() - since));
      waiter.resolve(lease ?? this.#connect(waiter, leftMs));
    }
  }

  #busy(why: string): ConnectFailure {
    const detail = `all ${this.#max} connections to the upstream are in use, and ${why}`;
    return { problem: 'busy', detail, limit: { configured: this.#max, observed: this.#size + this.#waiting.size } };
  }

  #keep(connection: Connection): void {
    const { socket } = connection;
    // Nothing has been asked on an idle connection. So whatever comes is an end, an error, or bytes that belong to no
    // answer.
    const gone = () => {
      idle.off();
      this.#idle.splice(this.#idle.indexOf(idle), 1);
      this.#close(socket);
      this.#serve();
    };
    const idle: Idle = {
      ...connection,
      since: performance.now(),
      off: () => socket.off('data', gone).off('end', gone).off('error', gone).off('close', gone),
    };
    socket.on('data', gone).on('end', gone).on('error', gone).on('close', gone).resume();
    this.#idle.push(idle);
    this.#sweepLater();
  }

  #close(socket: Socket): void {
    this.#size--;
    socket.destroy();
  }

  /** One timer serves all. It is set for the connection that has been idle for the longest. */
  #sweepLater(): void {
    if (this.#sweep !== undefined) return;
    const oldest = this.#idle[0];
    if (oldest === undefined) return;
    const leftMs = Math.max(0, oldest.since + idleMs - performance.now());
    this.#sweep = setTimeout(() => {
      this.#sweep = undefined;
      const now = performance.now();
      while (this.#idle.length > 0 && now - this.#idle[0]!.since >= idleMs) {
        const { socket, off } = this.#idle.shift()!;
        off();
        this.#close(socket);
      }
      this.#sweepLater();
    }, leftMs).unref();
  }
}

const left: ConnectFailure = { problem: 'aborted', detail: 'the client left' };

function isUsable(socket: Socket): boolean {
  return !socket.destroyed && socket.readable && socket.writable && socket.writableLength === 0;
}

class Lent implements PoolLease {
  readonly connectMs: number | null;
  readonly #pool: Pool;
  readonly #connection: Connection;
  #held = true;

  constructor(pool: Pool, { socket, openedAt }: Connection, connectMs: number | null) {
    this.#pool = pool;
    this.#connection = { socket, openedAt };
    this.connectMs = connectMs;
  }

  get socket(): Socket {
    return this.#connection.socket;
  }

  get reused(): boolean {
    return this.connectMs === null;
  }

  giveBack(socket?: Socket): void {
    if (!this.#held) return;
    this.#held = false;
    this.#pool.takeBack(socket === undefined ? this.#connection : { ...this.#connection, socket });
  }

  discard(socket = this.socket): void {
    if (!this.#held) return;
    this.#held = false;
    this.#pool.drop(socket);
  }
}
