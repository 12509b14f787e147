/**
 * Dials an upstream and brings home its answer to a handshake.
 *
 *   connecting ──► asking ──► switched   a valid 101: the socket is the caller's
 *       │            ├──────► refused    a status from 300 on: the body is the caller's
 *       └────────────┴──────► failed     no connection, no answer in time, an invalid answer, the client left: nothing is left
 */
import { type ClientRequest, type IncomingMessage, request as sendRequest } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamTarget } from '../config/types.ts';
import type { HandshakeResult } from '../outcomes.ts';
import { checkSwitch } from './check.ts';
import type { RawHeaders } from './fields.ts';
import type { HandshakeAsk } from './validate.ts';

/** What to dial and what to send there. */
export interface Dial {
  readonly target: UpstreamTarget;
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
  /** Called when the upstream is connected, with the time it took. */
  onConnect(elapsedMs: number): void;
}

/** How an upstream failed, as `upstream_errors_total` labels it. */
export type DialError =
  | 'connect_refused'
  | 'connect_timeout'
  | 'dns'
  | 'reset'
  | 'bad_handshake'
  | 'handshake_timeout'
  | 'other';

export interface Switched {
  readonly kind: 'switched';
  /** Paused; it has an `'error'` listener that does nothing, and none else. */
  readonly socket: Socket;
  /** What came behind the 101. */
  readonly head: Buffer;
  readonly headers: RawHeaders;
  readonly subprotocol: string | null;
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
    'upstream_unreachable' | 'upstream_bad_handshake' | 'upstream_timeout' | 'client_gone'
  >;
  /** `null` where the upstream is not to blame. */
  readonly error: DialError | null;
  readonly detail: string;
}

export type Dialled = Switched | RefusedByUpstream | DialFailure;

/** Bokeh's answers are small, but cookies come back in them; the same bound as for requests. */
const maxHeaderSize = 64 * 1024;

/** Dials; the promise is never rejected. */
export function dial(options: Dial): Promise<Dialled> {
  return new Promise((resolve) => new Attempt(options, resolve));
}

class Attempt {
  readonly #dial: Dial;
  readonly #resolve: (dialled: Dialled) => void;
  readonly #socket: Socket;
  readonly #startedAt = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #onAbort = () => this.#fail('client_gone', null, 'the client left');
  readonly #onError = (error: NodeJS.ErrnoException) => this.#failWith(error);
  readonly #onClose = () => this.#failWith(new Error('the upstream closed the connection'));
  #request: ClientRequest | null = null;
  #settled = false;

  constructor(options: Dial, resolve: (dialled: Dialled) => void) {
    this.#dial = options;
    this.#resolve = resolve;
    this.#socket = open(options.target);
    this.#socket.on('error', this.#onError).on('close', this.#onClose);
    this.#after(options.connectMs, () => {
      if (this.#request !== null) return;
      this.#fail('upstream_timeout', 'connect_timeout', `no connection in ${options.connectMs} ms`);
    });
    this.#after(options.handshakeMs, () =>
      this.#fail('upstream_timeout', 'handshake_timeout', `no answer in ${options.handshakeMs} ms`),
    );
    options.signal.addEventListener('abort', this.#onAbort);
    const connected = options.target.protocol === 'https:' ? 'secureConnect' : 'connect';
    this.#socket.once(connected, () => this.#ask());
    if (options.signal.aborted) this.#onAbort();
  }

  #ask(): void {
    const { path, headers, onConnect } = this.#dial;
    onConnect(performance.now() - this.#startedAt);
    this.#request = sendRequest({ createConnection: () => this.#socket, method: 'GET', path, headers, maxHeaderSize });
    // Bounded by the size of the block; Node would cut the list off without a word.
    this.#request.maxHeadersCount = 0;
    this.#request
      .on('error', this.#onError)
      .on('upgrade', (response, socket, head) => this.#onUpgrade(response, socket as Socket, head))
      .on('response', (response) => this.#onResponse(response))
      .end();
  }

  #onUpgrade(response: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.pause();
    if (this.#settled) return;
    const headers = response.rawHeaders;
    const agreement = checkSwitch({ httpVersion: response.httpVersion, headers }, this.#dial.ask);
    if ('problem' in agreement) {
      this.#fail('upstream_bad_handshake', 'bad_handshake', agreement.problem);
      return;
    }
    this.#settle({ kind: 'switched', socket, head, headers, subprotocol: agreement.subprotocol });
    socket.on('error', () => {});
    socket.off('error', this.#onError).off('close', this.#onClose);
  }

  #onResponse(response: IncomingMessage): void {
    const { statusCode = 0 } = response;
    if (statusCode < 300) {
      // A success that opens no tunnel is no refusal: something else than a WebSocket server lives there.
      this.#fail('upstream_bad_handshake', 'bad_handshake', `it answers ${statusCode}, which is no valid handshake`);
      return;
    }
    if (this.#settled) return;
    this.#settle({
      kind: 'refused',
      response,
      destroy: () => {
        this.#socket.destroy();
      },
    });
  }

  #failWith(error: NodeJS.ErrnoException): void {
    const code = error.code ?? '';
    if (code.startsWith('HPE_')) {
      this.#fail('upstream_bad_handshake', 'bad_handshake', `it does not answer in HTTP: ${error.message}`);
    } else if (this.#request === null) {
      this.#fail('upstream_unreachable', connectErrors[code] ?? 'other', error.message || code);
    } else {
      this.#fail('upstream_unreachable', 'reset', `it closed before it answered: ${error.message}`);
    }
  }

  #fail(outcome: DialFailure['outcome'], error: DialError | null, detail: string): void {
    if (this.#settled) return;
    this.#settle({ kind: 'failed', outcome, error, detail });
    this.#request?.destroy();
    this.#socket.destroy();
  }

  #settle(dialled: Dialled): void {
    this.#settled = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#dial.signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(dialled);
  }

  #after(ms: number, action: () => void): void {
    if (ms > 0) this.#timers.push(setTimeout(action, ms));
  }
}

const connectErrors: Readonly<Record<string, DialError>> = {
  ECONNREFUSED: 'connect_refused',
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ETIMEDOUT: 'connect_timeout',
  ECONNRESET: 'reset',
};

function open({ protocol, host, port }: UpstreamTarget): Socket {
  if (protocol === 'http:') return connect({ host, port });
  // The name to verify is the backend's; the Host header is the client's.
  return connectTls({ host, port, servername: isIP(host) ? '' : host, ALPNProtocols: ['http/1.1'] });
}
