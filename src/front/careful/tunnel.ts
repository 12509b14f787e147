/**
 * One handshake, from its header to the relay:
 *
 *   validate ─► origin ─► memory ─► slots ─► dial ─► answer ─► relay
 *      │           │         │        │       ├ refused: the upstream's own answer, mirrored
 *      └───────────┴─────────┴────────┴───────┴ one answer, one counter, one log line
 *
 * The client may leave at each arrow: then what was lent is given back and the upstream's socket is freed.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { checkMemory, Holding, type MemoryLedger } from '../../admission/memory.ts';
import { checkOrigin } from '../../admission/origin.ts';
import type { Refused } from '../../admission/verdict.ts';
import { type RawHeaders, valuesOf } from '../../http/raw-fields.ts';
import { cleanHost, cleanPath, nameSubprotocol } from '../../observe/log/clean.ts';
import type { Log } from '../../observe/log/log.ts';
import { tally } from '../../observe/metrics/counters.ts';
import type { Rejection } from '../../observe/report.ts';
import type { SessionInit } from '../../relay/types.ts';
import type { EndpointLease } from '../../upstream/endpoint.ts';
import { switchingBytes } from '../../websocket/answer.ts';
import { upstreamHeaders } from '../../websocket/build.ts';
import { type HandshakeAsk, validateHandshake } from '../../websocket/validate.ts';
import type { Arrival } from '../arrival.ts';
import { sayFarewell } from '../farewell.ts';
import { type RefusalContext, recordOddity, recordRefusal, refuseOnSocket } from '../refusals.ts';
import { type Dialled, dial, type RefusedByUpstream, type Switched } from './dial.ts';
import { EarlyBytes } from './early-bytes.ts';
import { mirrorRefusal } from './mirror.ts';

/** Measured: what a handshake under way holds, both sockets and what reads and writes them. */
const handshakeBytes = 48 * 1024;
/** Measured: its header is there as it came, as strings, and as what is sent on. */
const bytesPerHeaderByte = 4;

/** A handshake as the listener hands it over. */
export interface TunnelRequest {
  readonly arrival: Arrival;
  readonly method: string;
  readonly httpVersion: string;
  readonly headers: RawHeaders;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly log: Log;
  readonly memory: MemoryLedger;
  /** Whether the gateway shuts down. */
  readonly draining: () => boolean;
  /** Takes both sockets over. */
  readonly open: (init: SessionInit) => void;
  /** Hears of it when a limit of the route turns the request away. */
  readonly rejected: (rejection: Rejection) => void;
}

/** A handshake under way. */
export class Tunnel {
  /** Resolves when the handshake is over, whatever came of it. */
  readonly done: Promise<void>;
  readonly #request: TunnelRequest;
  readonly #context: RefusalContext;
  readonly #abort = new AbortController();
  readonly #early: EarlyBytes;
  readonly #holding: Holding;
  readonly #startedAt = performance.now();
  #cancelled = false;

  constructor(request: TunnelRequest) {
    this.#request = request;
    const { arrival, log, headers, socket, head, memory, rejected } = request;
    const origin = valuesOf(headers, 'origin')[0];
    this.#context = {
      log,
      rejected,
      counters: arrival.route.counters,
      about: {
        route: arrival.route.route.name,
        host: arrival.host,
        target: arrival.target.target,
        address: arrival.origination.address,
        user: arrival.origination.user,
        origin,
        headerBytes: arrival.headerBytes,
      },
    };
    this.#holding = new Holding(memory);
    this.#early = new EarlyBytes(socket, head, memory, () => this.#abort.abort());
    this.done = this.#run().finally(() => {
      this.#holding.bytes = 0;
    });
  }

  /** Gives the handshake up, because the gateway shuts down. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { arrival, socket } = this.#request;
    const { route, slots, endpoint } = arrival.route;
    const ask = validateHandshake(this.#request);
    if ('outcome' in ask) return this.#refuse(ask);
    const origin = checkOrigin(valuesOf(this.#request.headers, 'origin'), route);
    if (origin !== null) return this.#refuse(origin);
    const memory = checkMemory(this.#request.memory);
    if (memory !== null) return this.#refuse(memory);
    this.#holding.bytes = handshakeBytes + bytesPerHeaderByte * arrival.headerBytes;
    const slot = slots.take(arrival.subscriber, route.connections);
    if ('outcome' in slot) return this.#refuse(slot);
    const loan = new DisposableStack();
    loan.use(slot);
    const lease = loan.use(endpoint.lease());

    const dialled = await this.#dial(lease, ask);
    if (dialled.kind === 'switched' && (await this.#answer(dialled, ask, lease, loan))) return;
    loan.dispose();
    if (dialled.kind === 'failed') {
      if (dialled.error !== null) tally(arrival.route.counters.upstreamErrors, dialled.error);
      this.#refuse(dialled);
    } else if (dialled.kind === 'refused') {
      await this.#mirror(dialled);
    } else {
      dialled.socket.destroy();
      if (this.#request.draining() && !this.#abort.signal.aborted) this.#refuse({ outcome: 'draining', detail: '' });
      else this.#refuse({ outcome: 'client_gone', detail: 'the client left' });
    }
    if (this.#abort.signal.aborted) socket.destroy();
  }

  #dial(lease: EndpointLease, ask: HandshakeAsk): Promise<Dialled> {
    const { arrival, headers } = this.#request;
    const { connectMs, handshakeMs } = arrival.route.route.timeouts;
    return dial({
      endpoint: lease.endpoint,
      path: arrival.target.target,
      headers: upstreamHeaders(headers, arrival.origination),
      ask,
      connectMs,
      handshakeMs,
      signal: this.#abort.signal,
      onConnect: (elapsedMs) => arrival.route.counters.connectSeconds.observe(elapsedMs / 1000),
    });
  }

  /** Sends the 101 and hands both sockets to the relay; `false` where it came too late for that. */
  async #answer(
    upstream: Switched,
    { key }: HandshakeAsk,
    lease: EndpointLease,
    loan: DisposableStack,
  ): Promise<boolean> {
    const { arrival, socket, draining, open } = this.#request;
    if (this.#abort.signal.aborted || draining()) return false;
    const sent = await send(socket, switchingBytes(upstream.headers, key));
    if (!sent || this.#abort.signal.aborted) return false;
    if (upstream.oddity !== null) recordOddity(this.#context, upstream.oddity);
    const handshakeMs = performance.now() - this.#startedAt;
    const { route, counters } = arrival.route;
    tally(counters.handshakes, 'opened');
    const id = randomBytes(6).toString('hex');
    counters.handshakeSeconds.observe(handshakeMs / 1000, id);
    open({
      id,
      route,
      counters,
      client: { socket, head: this.#early.take() },
      upstream: { socket: upstream.socket, head: upstream.head },
      about: {
        host: cleanHost(arrival.host),
        path: cleanPath(arrival.target.path),
        address: arrival.origination.address,
        ...(arrival.origination.user === undefined ? {} : { user: arrival.origination.user }),
        upstream: lease.endpoint.target.href,
        subprotocol: upstream.subprotocol === null ? null : nameSubprotocol(upstream.subprotocol),
        handshakeMs,
      },
      // Bound rather than closed over: a closure would keep the whole handshake for as long as the connection lives.
      release: loan.dispose.bind(loan),
    });
    return true;
  }

  async #mirror(upstream: RefusedByUpstream): Promise<void> {
    const { arrival, socket } = this.#request;
    const { handshakeMs } = arrival.route.route.timeouts;
    const status = upstream.response.statusCode!;
    // The body belongs to the handshake, so its time is bounded too.
    const timer = handshakeMs > 0 ? setTimeout(() => this.#abort.abort(), handshakeMs) : undefined;
    this.#early.take();
    socket.resume();
    const whole = await mirrorRefusal(upstream.response, socket, this.#abort.signal);
    clearTimeout(timer);
    upstream.destroy();
    const detail = whole ? `the upstream answered ${status}` : `the upstream answered ${status}, not to its end`;
    recordRefusal(this.#context, { outcome: 'upstream_refused', detail }, status);
    if (whole) sayFarewell(socket, null);
    else socket.destroy();
  }

  #refuse(refused: Refused): void {
    this.#early.take();
    if (this.#cancelled) {
      recordRefusal(this.#context, { outcome: 'draining', detail: '' });
      this.#request.socket.destroy();
      return;
    }
    refuseOnSocket(this.#request.socket, valuesOf(this.#request.headers, 'accept')[0], this.#context, refused);
  }
}

/** Writes to a socket; `false` where it closed before the kernel had taken everything. */
function send(socket: Socket, bytes: Buffer): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => socket.write(bytes, (error) => resolve(!error)));
}
