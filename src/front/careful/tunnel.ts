/**
 * One handshake that has been admitted, on its way to the relay:
 *
 *   dial ─► answer ─► relay
 *     ├ refused: the upstream's own answer, mirrored
 *     └ one answer, one counter, one log line
 *
 * The client may leave at each arrow, and the handshake may be given up, for a shutdown or for its memory: then what
 * was lent is given back and the upstream's socket is freed.
 */

import type { Socket } from 'node:net';
import { Loan } from '../../admission/loan.ts';
import { describePressure, Holding, type MemoryHolder, type MemoryLedger } from '../../admission/memory.ts';
import type { Refused } from '../../admission/verdict.ts';
import { headerBytes } from '../../http/raw-fields.ts';
import { resetSocket } from '../../relay/transport/socket-reset.ts';
import type { SessionInit } from '../../relay/types.ts';
import type { EndpointLease } from '../../upstream/endpoint.ts';
import { switchingBytes } from '../../websocket/answer.ts';
import { upstreamHeaders } from '../../websocket/build.ts';
import type { EdgeRoute } from '../edge-route.ts';
import { asOfApi, refusalOf } from '../errors.ts';
import { discard, sayFarewell } from '../farewell.ts';
import type { AdmittedVisit } from '../reception.ts';
import type { Recorder } from '../recorder.ts';
import { refuseOnSocket } from '../refusals.ts';
import { sessionOf } from '../session-of.ts';
import { type Dialled, dial, type RefusedByUpstream, type Switched } from './dial.ts';
import type { EarlyBytes } from './early-bytes.ts';
import { mirrorRefusal } from './mirror.ts';
import { toldOf } from './request-fields.ts';

/** What a handshake under way holds in bytes, measured: both sockets and what reads and writes them. */
const handshakeBytes = 48 * 1024;
/** Its header is there as it came, as strings, and as what is sent on (measured). */
const bytesPerHeaderByte = 4;

/** A handshake that has been admitted. */
export interface TunnelRequest {
  /** The client's leaving is told it. */
  readonly visit: AdmittedVisit;
  readonly route: EdgeRoute;
  readonly socket: Socket;
  /** What the client sends meanwhile. */
  readonly early: EarlyBytes;
  readonly recorder: Recorder;
  readonly memory: MemoryLedger;
  /** Whether the gateway shuts down. */
  readonly draining: () => boolean;
  /** Takes both sockets over. */
  readonly open: (init: SessionInit) => void;
}

/** A handshake under way. */
export class Tunnel implements MemoryHolder {
  /** Resolves when the handshake is over, whatever came of it. */
  readonly done: Promise<void>;
  readonly #request: TunnelRequest;
  readonly #holding: Holding;
  /** What has come of an answer that is not whole. */
  readonly #unsaid: Holding;
  /** Why it was given up. */
  #givenUp: Refused | null = null;

  constructor(request: TunnelRequest) {
    this.#request = request;
    this.#holding = new Holding(request.memory);
    this.#holding.bytes = handshakeBytes + bytesPerHeaderByte * request.visit.headerBytes;
    this.#unsaid = new Holding(request.memory);
    request.memory.holders.add(this);
    this.done = this.#run().finally(() => {
      request.memory.holders.delete(this);
      this.#letGo();
    });
  }

  /** Gives the handshake up, because the gateway shuts down. */
  cancel(): void {
    this.#giveUp({ outcome: 'draining', detail: '' });
  }

  get capacity(): number {
    return this.#holding.bytes + this.#unsaid.bytes;
  }

  get isShed(): boolean {
    return this.#givenUp?.outcome === 'memory';
  }

  /** Gives the handshake up for the memory that it holds, which is free when this returns. */
  shed(): void {
    this.#giveUp({ outcome: 'memory', detail: describePressure(this.#request.memory) });
    this.#letGo();
  }

  #giveUp(why: Refused): void {
    this.#givenUp ??= why;
    this.#request.visit.leave();
  }

  #letGo(): void {
    this.#holding.bytes = 0;
    this.#unsaid.bytes = 0;
  }

  async #run(): Promise<void> {
    const { visit, route, socket, recorder } = this.#request;
    const loan = visit.takeLoan() ?? new Loan();
    const lease = loan.use(route.endpoint.lease());
    let dialled: Dialled | null = null;
    try {
      dialled = await this.#dial(lease);
      if (dialled.kind === 'switched' && (await this.#answer(dialled, loan))) return;
    } catch (error) {
      loan.dispose();
      if (dialled?.kind === 'switched') dialled.socket.destroy();
      throw error;
    }
    loan.dispose();
    if (dialled.kind === 'failed') {
      if (dialled.error !== null) recorder.blame(visit, dialled.error);
      this.#refuse(dialled);
    } else if (dialled.kind === 'refused') {
      await this.#mirror(dialled);
    } else {
      dialled.socket.destroy();
      if (this.#request.draining() && !visit.left) this.#refuse({ outcome: 'draining', detail: '' });
      else this.#refuse({ outcome: 'client_gone', detail: 'the client left' });
    }
    if (visit.left && !this.isShed) socket.destroy();
  }

  #dial(lease: EndpointLease): Promise<Dialled> {
    const { visit, route } = this.#request;
    const { changes } = visit;
    const { connectMs, handshakeMs } = route.route.timeouts;
    const { lines, forwarding } = toldOf(visit, route.hub, visit.headers);
    return dial({
      endpoint: lease.endpoint,
      path: changes === null ? visit.target : changes.target(visit.target),
      headers: upstreamHeaders(lines, { forwarding, trusted: visit.origination.trusted }),
      ask: visit.ask!,
      connectMs,
      handshakeMs,
      signal: visit.signal,
      unsaid: this.#unsaid,
      onConnect: (elapsedMs) => route.counters.connectSeconds.observe(elapsedMs / 1000),
    });
  }

  /** Sends the 101 and hands both sockets to the relay; `false` where it came too late for that. */
  async #answer(upstream: Switched, loan: Loan): Promise<boolean> {
    const { visit, route, socket, early, recorder, memory, draining, open } = this.#request;
    if (visit.left || draining()) return false;
    // Behind a 101 there is no refusal.
    memory.holders.delete(this);
    visit.agreeOn(upstream.subprotocol);
    const answer = switchingBytes(visit.answerChanges?.all(upstream.headers) ?? upstream.headers, visit.ask!.key);
    const { handshakeMs } = route.route.timeouts;
    // It may wait behind answers that the client does not take.
    const timer = handshakeMs > 0 ? setTimeout(() => visit.leave(), handshakeMs) : undefined;
    const sent = await send(socket, answer, visit.signal);
    clearTimeout(timer);
    if (!sent || visit.left) return false;
    if (upstream.oddity !== null) recorder.odd(visit, upstream.oddity);
    const legs = { client: { socket, head: early.take() }, upstream: { socket: upstream.socket, head: upstream.head } };
    open(sessionOf(visit, route, loan, { ...legs, subprotocol: upstream.subprotocol }));
    return true;
  }

  async #mirror(upstream: RefusedByUpstream): Promise<void> {
    const { visit, route, socket, early, recorder } = this.#request;
    const { handshakeMs } = route.route.timeouts;
    const status = upstream.response.statusCode!;
    this.#holding.bytes += bytesPerHeaderByte * headerBytes(0, upstream.response.rawHeaders);
    // The body belongs to the handshake, so its time is bounded too.
    const timer = handshakeMs > 0 ? setTimeout(() => visit.leave(), handshakeMs) : undefined;
    early.take();
    discard(socket);
    let whole = false;
    try {
      whole = await mirrorRefusal(upstream.response, socket, visit.answerChanges, visit.signal);
    } finally {
      clearTimeout(timer);
      upstream.destroy();
    }
    const detail = whole ? `the upstream answered ${status}` : `the upstream answered ${status}, not to its end`;
    recorder.refused(visit, { outcome: 'upstream_refused', detail }, status);
    if (whole) sayFarewell(socket, null);
    else socket.destroy();
  }

  #refuse(refused: Refused): void {
    const { visit, route, socket, early, recorder } = this.#request;
    early.take();
    const said = this.#givenUp ?? refused;
    const refusal = asOfApi(refusalOf(route.route.name, said), route.hub);
    recorder.refused(visit, said, refusal.status);
    if (said.outcome === 'draining') socket.destroy();
    else refuseOnSocket(socket, visit.values('accept')[0], refusal);
  }
}

/** Writes to a socket; `false` where it closed before the kernel had taken everything. The signal resets it. */
function send(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false);
  const reset = () => resetSocket(socket);
  signal.addEventListener('abort', reset);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.write(bytes, (error) => resolve(!error));
  return promise.finally(() => signal.removeEventListener('abort', reset));
}
