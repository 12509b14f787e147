/**
 * Dials an upstream and brings home its answer to a handshake.
 *
 *   connecting ──► asking ──► switched   a valid 101: the socket is the caller's
 *       │            ├──────► refused    a status from 300 on: the body is the caller's
 *       └────────────┴──────► failed     no connection, no or a wrong answer, the client left: no socket is left
 */
import { type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Holding } from '../../admission/memory.ts';
import type { HandshakeResult } from '../../catalogue/outcomes.ts';
import { coded, isCoded } from '../../http/framing.ts';
import { RawFields } from '../../http/head-fields.ts';
import { boundInterim, tooMuchInterim } from '../../http/interim.ts';
import { longListFault, type RawHeaders } from '../../http/raw-fields.ts';
import { lowerMarks } from '../../relay/transport/low-marks.ts';
import { boundRecords } from '../../relay/transport/tls-records.ts';
import type { Endpoint } from '../../upstream/endpoint.ts';
import {
  blameOf,
  type ConnectFailure,
  describeTlsError,
  isTlsError,
  outcomeOf,
  type UpstreamError,
} from '../../upstream/failure.ts';
import { checkSwitch } from '../../websocket/check.ts';
import type { HandshakeAsk } from '../../websocket/validate.ts';
import { AnswerPieces } from './answer-pieces.ts';
import { carefulBudget } from './piece-size.ts';

/** What to dial and what to send there. */
export interface DialRequest {
  readonly endpoint: Endpoint;
  /** Path and query. */
  readonly path: string;
  readonly headers: string[];
  readonly ask: HandshakeAsk;
  /** 0 is off. */
  readonly connectMs: number;
  /** Time for connecting and asking together; 0 is off. */
  readonly handshakeMs: number;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
  /** Counts what has come of an answer that is not whole. */
  readonly unsaid: Holding;
  /** Called when the upstream is connected, with the time it took. */
  onConnect(elapsedMs: number): void;
}

/** How an upstream failed, as `upstream_errors_total` labels it. */
export type DialError = UpstreamError | 'bad_handshake' | 'handshake_timeout';

export interface Switched {
  readonly kind: 'switched';
  /** Paused; it has an `'error'` listener that does nothing, and none else. */
  readonly socket: Socket;
  /** What came behind the 101. */
  readonly head: Buffer;
  readonly headers: RawHeaders;
  readonly subprotocol: string | null;
  /** What is odd about it, for the log. */
  readonly oddity: string | null;
}

export interface RefusedByUpstream {
  readonly kind: 'refused';
  readonly response: IncomingMessage;
  /** Frees the socket, whatever of the body was read. */
  destroy(): void;
}

export interface DialFailure {
  readonly kind: 'failed';
  readonly outcome: Extract<
    HandshakeResult,
    (typeof outcomeOf)[keyof typeof outcomeOf] | 'upstream_bad_handshake' | 'upstream_timeout' | 'client_gone'
  >;
  /** `null` where the upstream is not to blame. */
  readonly error: DialError | null;
  readonly detail: string;
}

export type Dialled = Switched | RefusedByUpstream | DialFailure;

/** Bokeh's answers are small, but cookies come back in them; the same bound as for requests. */
const maxHeaderSize = 64 * 1024;

/** Dials. A fault of the upstream or of the client is a value. */
export function dial(options: DialRequest): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const attempt = new Attempt(options, resolve, reject);
    attempt.run().catch((error) => attempt.broke(error));
  });
}

class Attempt {
  readonly #dial: DialRequest;
  readonly #resolve: (dialled: Dialled) => void;
  readonly #reject: (error: unknown) => void;
  /** Ends the connecting: the client has left, or time is over. */
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = () => this.#fail('client_gone', null, 'the client left');
  readonly #onError = (error: NodeJS.ErrnoException) => this.#failWith(error);
  readonly #onClose = () => this.#failWith(new Error('the upstream closed the connection'));
  #request: ClientRequest | null = null;
  #socket: Socket | null = null;
  #pieces: AnswerPieces | null = null;
  #settled = false;

  constructor(options: DialRequest, resolve: (dialled: Dialled) => void, reject: (error: unknown) => void) {
    this.#dial = options;
    this.#resolve = resolve;
    this.#reject = reject;
    const { handshakeMs, signal } = options;
    if (handshakeMs > 0) {
      const late = () => this.#fail('upstream_timeout', 'handshake_timeout', `no answer in ${handshakeMs} ms`);
      this.#timer = setTimeout(late, handshakeMs);
    }
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  async run(): Promise<void> {
    const { endpoint, connectMs, onConnect } = this.#dial;
    const connected = await endpoint.connect(connectMs, this.#abort.signal);
    if ('problem' in connected) {
      this.#failToConnect(connected);
    } else if (this.#settled) {
      connected.socket.destroy();
    } else {
      onConnect(connected.elapsedMs);
      this.#ask(connected.socket);
    }
  }

  #ask(socket: Socket): void {
    const { path, headers, unsaid } = this.#dial;
    this.#socket = socket.on('error', this.#onError).on('close', this.#onClose);
    lowerMarks(socket);
    boundRecords(socket);
    // What it has said is passed on behind its end, too.
    socket.allowHalfOpen = true;
    this.#request = sendRequest({ createConnection: () => socket, method: 'GET', path, headers, maxHeaderSize });
    // The size of the block bounds the lines. Node would cut the list off without a word.
    this.#request.maxHeadersCount = 0;
    boundInterim(this.#request, () => this.#fail('upstream_bad_handshake', 'bad_handshake', tooMuchInterim));
    const request = this.#request;
    request
      .once('socket', () => {
        this.#pieces = AnswerPieces.between(request, carefulBudget, unsaid);
      })
      .on('error', this.#onError)
      .on('upgrade', (response, socket, head) => {
        this.#contained(() => this.#onUpgrade(response, socket as Socket, head));
      })
      .on('response', (response) => this.#contained(() => this.#onResponse(response)))
      .end();
  }

  #contained(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.broke(error);
    }
  }

  /** A mistake of ours in this dial: no socket is left of it. */
  broke(error: unknown): void {
    this.#leave();
    this.#abort.abort();
    this.#request?.destroy();
    this.#socket?.destroy();
    this.#reject(error);
  }

  #onUpgrade(response: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.pause();
    this.#pieces?.release();
    if (this.#settled) return;
    const headers = response.rawHeaders;
    const fields = new RawFields(headers);
    const fault = longListFault(fields);
    const agreement =
      fault === null ? checkSwitch({ httpVersion: response.httpVersion, fields }, this.#dial.ask) : { problem: fault };
    if ('problem' in agreement) {
      this.#fail('upstream_bad_handshake', 'bad_handshake', agreement.problem);
      return;
    }
    this.#finish({ kind: 'switched', socket, head, headers, ...agreement });
    socket.off('error', this.#onError).off('close', this.#onClose);
  }

  #onResponse(response: IncomingMessage): void {
    const { statusCode = 0 } = response;
    if (statusCode < 300) {
      // A success that opens no tunnel is no refusal: there is something else than a WebSocket server.
      this.#fail('upstream_bad_handshake', 'bad_handshake', `it answers ${statusCode}, which is no valid handshake`);
      return;
    }
    const fault = longListFault(new RawFields(response.rawHeaders)) ?? (isCoded(response.headers) ? coded : null);
    if (fault !== null) {
      this.#fail('upstream_bad_handshake', 'bad_handshake', fault);
      return;
    }
    if (this.#settled) return;
    this.#pieces?.join(response);
    this.#finish({
      kind: 'refused',
      response,
      destroy: () => {
        this.#socket?.destroy();
      },
    });
  }

  #failToConnect({ problem, detail }: ConnectFailure): void {
    if (problem === 'aborted') this.#fail('client_gone', null, detail);
    else this.#fail(outcomeOf[problem], blameOf(problem), detail);
  }

  #failWith(error: NodeJS.ErrnoException): void {
    const { code = '', message } = error;
    if (code.startsWith('HPE_')) {
      this.#fail('upstream_bad_handshake', 'bad_handshake', `it does not answer in HTTP: ${message}`);
    } else if (isTlsError(error)) {
      this.#fail('upstream_tls_failed', 'tls', describeTlsError(error));
    } else {
      this.#fail('upstream_unreachable', 'reset', `it closed before it answered: ${message}`);
    }
  }

  #fail(outcome: DialFailure['outcome'], error: DialError | null, detail: string): void {
    if (this.#settled) return;
    this.#finish({ kind: 'failed', outcome, error, detail });
    this.#abort.abort();
    this.#request?.destroy();
    this.#socket?.destroy();
  }

  #finish(dialled: Dialled): void {
    this.#leave();
    this.#resolve(dialled);
  }

  #leave(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#dial.signal.removeEventListener('abort', this.#onAbort);
  }
}
