/** Node's HTTP client on a connection from an endpoint's pool: an agent that serves one request. */
import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectFailure } from './failure.ts';
import type { LeaseAsk, Pool, PoolLease } from './pool.ts';

const keepAliveMs = 30_000;

/** The error of a request for which there is no connection. */
export class NoConnection extends Error {
  readonly failure: ConnectFailure;

  constructor(failure: ConnectFailure) {
    super(failure.detail);
    this.failure = failure;
  }
}

/** How Node takes a connection, or the error where there is none. Its types leave the error out. */
type OnSocket = (this: ClientRequest, socket: Socket | undefined, error?: Error) => void;

/** Turns a connection into what Node's client reads and writes, which gives it back or discards it. */
export type Carry = (lease: PoolLease, req: ClientRequest) => Duplex;

export class PooledRequest {
  /** Node asks this of an agent: the connection may stay open after the answer. */
  readonly keepAlive = true;
  readonly #pool: Pool;
  readonly #ask: LeaseAsk;
  readonly #carry: Carry;
  #lease: PoolLease | null = null;
  #readBefore = 0;

  constructor(pool: Pool, ask: LeaseAsk, carry: Carry = carryPlain) {
    this.#pool = pool;
    this.#ask = ask;
    this.#carry = carry;
  }

  /** The agent for `http.request`, which calls `addRequest` and reads `keepAlive`. */
  get asAgent(): Agent {
    return this as unknown as Agent;
  }

  /** Whether the connection had carried requests before, and no byte has come on it for this one. */
  get mayHaveBeenClosing(): boolean {
    return this.#lease?.reused === true && this.#lease.socket.bytesRead === this.#readBefore;
  }

  /** Called by Node, once. */
  addRequest(req: ClientRequest): void {
    const lease = this.#pool.take(this.#ask.reuse);
    if (lease !== null) this.#assign(req, lease);
    // A mistake of ours in one dial must not end the process.
    else this.#wait(req).catch((error: Error) => failed(req, error));
  }

  async #wait(req: ClientRequest): Promise<void> {
    const lease = await this.#pool.lease(this.#ask);
    if (!('problem' in lease)) this.#assign(req, lease);
    else failed(req, new NoConnection(lease));
  }

  #assign(req: ClientRequest, lease: PoolLease): void {
    this.#lease = lease;
    this.#readBefore = lease.socket.bytesRead;
    req.reusedSocket = lease.reused;
    // Node's types want a socket; its code wants a stream.
    req.onSocket(this.#carry(lease, req) as Socket);
  }
}

/** Tells a request that it has no connection. */
function failed(req: ClientRequest, error: Error): void {
  (req.onSocket as OnSocket).call(req, undefined, error);
}

/** The socket itself. */
function carryPlain(lease: PoolLease, req: ClientRequest): Duplex {
  const { socket } = lease;
  // A service whose machine is gone says nothing.
  socket.setKeepAlive(true, keepAliveMs);
  // Node says `free` when the answer is whole, the request is sent, and nothing is left to read; also where the request
  // was destroyed before it had begun.
  const free = () => {
    off();
    if (req.shouldKeepAlive) lease.giveBack();
    else lease.discard();
  };
  const close = () => {
    off();
    lease.discard();
  };
  const off = () => socket.off('free', free).off('close', close);
  return socket.on('free', free).on('close', close);
}
