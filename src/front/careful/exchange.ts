/**
 * One plain HTTP request, from its admission to its last byte.
 *
 *   start ── dialled ── answered ── ended
 *     │         │           └ the upstream dies: the client's connection is cut, nothing looks complete
 *     │         └ body over the limit, no connection, no byte in time: 413, 502 or 504
 *     └ declared body over the limit: 413
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Holding, type MemoryHolder, type MemoryLedger } from '../../admission/memory.ts';
import type { Visit } from '../../admission/visit.ts';
import type { AnsweredFailure, HttpFailure, LimitName } from '../../catalogue/outcomes.ts';
import type { Route } from '../../config/types.ts';
import { carriesBody, coded, isCoded } from '../../http/framing.ts';
import { RawFields } from '../../http/head-fields.ts';
import { responseHeaders, trailerFields } from '../../http/headers.ts';
import { idempotent } from '../../http/idempotent.ts';
import { boundInterim, tooMuchInterim } from '../../http/interim.ts';
import { headerBytes, longListFault } from '../../http/raw-fields.ts';
import { hasNoBody } from '../../http/wire/framing.ts';
import type { KernelQueue } from '../../relay/core/stall.ts';
import { boundRecords } from '../../relay/transport/tls-records.ts';
import { describeTlsError, isTlsError } from '../../upstream/failure.ts';
import type { Reuse } from '../../upstream/pool.ts';
import { NoConnection, PooledRequest } from '../../upstream/pooled-request.ts';
import { sendRefusal } from '../answer.ts';
import { type ForwardRoute, type HubDuties, redirects } from '../edge-route.ts';
import type { ErrorPages } from '../error-pages.ts';
import { asOfApi, type ExceededLimit, type Refusal, refuseHttp } from '../errors.ts';
import type { UpstreamLines } from '../fast/upstream-line.ts';
import type { Recorder } from '../recorder.ts';
import { Silence } from '../silence.ts';
import { AnswerPieces } from './answer-pieces.ts';
import { passBody } from './body.ts';
import { BadUpstreamAnswer, classify, UpstreamSilence } from './failure.ts';
import { carefulBudget } from './piece-size.ts';
import { setRequestFields, toldOf } from './request-fields.ts';
import { UpstreamStream } from './upstream-stream.ts';

/** What an exchange needs besides the request. */
export interface ExchangeContext extends ForwardRoute {
  readonly visit: Visit;
  readonly recorder: Recorder;
  /** What it holds counts here. */
  readonly memory: MemoryLedger;
  /** The lines of the upstreams' connections. */
  readonly upstreams: UpstreamLines;
  /** What the kernel holds for a socket. */
  readonly kernelQueue: (socket: Socket) => KernelQueue;
  /** Who has pages for answers of Sluice's own. */
  readonly pages: () => ErrorPages | null;
  /** Gives the request to http-proxy, which calls back with what comes of it. */
  readonly send: (connection: PooledRequest) => void;
}

/** What a request under way holds in bytes, measured: both sockets and what reads and writes them. */
const exchangeBytes = 48 * 1024;
/** Node keeps the heads of a request and of its answer until both are over: as strings, and once more as it sent them. */
const bytesPerHeaderByte = 2;
/** What is read from a sender before it is paused, in bytes, measured. It waits for its receiver. */
const stuckBytes = 288 * 1024;

/** The state of one request; the forwarder calls its methods as http-proxy reports. */
export class CarefulExchange implements MemoryHolder {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #context: ExchangeContext;
  readonly #method: string;
  readonly #accept: string | undefined;
  readonly #expectsContinue: boolean;
  readonly #hasBody: boolean;
  /** It may be sent twice, and shares connections with others; any other has one of its own. */
  readonly #repeats: boolean;
  #continued = false;
  #bodyBytes = 0;
  readonly #abort = new AbortController();
  #connection: PooledRequest | null = null;
  #repeated = false;
  #upstream: UpstreamStream | null = null;
  #upstreamReq: ClientRequest | null = null;
  #pieces: AnswerPieces | null = null;
  #upstreamRes: IncomingMessage | null = null;
  /** The answer has no length of its own. It ends with the client's connection. */
  #endsByClosing = false;
  #over = false;
  #aborted = false;
  #silence: Silence | null = null;
  readonly #holding: Holding;
  /** What has come of an answer that is not whole. */
  readonly #unsaid: Holding;
  #ownBytes = exchangeBytes;
  /** The senders that are paused, because their receivers lag behind, and since when; the first comes first. */
  readonly #stuck = new Map<IncomingMessage, number>();
  #shed = false;

  constructor(req: IncomingMessage, res: ServerResponse, context: ExchangeContext) {
    this.#req = req;
    this.#res = res;
    this.#context = context;
    this.#method = req.method ?? '';
    this.#accept = req.headers.accept;
    // HTTP/1.0 knows no interim answers.
    this.#expectsContinue = req.httpVersion === '1.1' && req.headers.expect?.toLowerCase() === '100-continue';
    this.#hasBody = carriesBody(req.headers);
    this.#repeats = !this.#hasBody && idempotent.has(this.#method);
    this.#holding = new Holding(context.memory);
    this.#unsaid = new Holding(context.memory);
  }

  get capacity(): number {
    return this.#holding.bytes + this.#unsaid.bytes;
  }

  get isShed(): boolean {
    return this.#shed;
  }

  /** Since when a side takes nothing of what the other sends, as `performance.now()` tells; `null` while both do. */
  get stuckSince(): number | null {
    for (const since of this.#stuck.values()) return since;
    return null;
  }

  /** Ends it, for its memory. */
  shed(limitBytes: number, observedBytes: number): void {
    this.#shed = true;
    // What has failed has its line, and waits for its client alone.
    if (this.#over) this.#res.destroy();
    else this.#refuse('memory', 'memory.max_buffered', { configured: limitBytes, observed: observedBytes });
    // What Node still holds goes with the socket.
    this.#holding.bytes = 0;
    this.#unsaid.bytes = 0;
  }

  get route(): Route {
    return this.#context.route;
  }

  /** Refuses what can be refused by its header, and sends the rest on. */
  start(): void {
    if (!this.#prepare()) return;
    this.#send(this.#repeats ? 'any' : 'none');
  }

  #send(reuse: Reuse): void {
    const { endpoint, route, upstreams } = this.#context;
    const ask = { reuse, timeoutMs: route.timeouts.connectMs, signal: this.#abort.signal };
    this.#connection = new PooledRequest(endpoint.pool, ask, (lease) => {
      this.#upstream = new UpstreamStream(upstreams, lease);
      return this.#upstream;
    });
    this.#context.send(this.#connection);
  }

  /** Makes what is not refused ready for http-proxy. */
  #prepare(): boolean {
    const { headers } = this.#req;
    const declared = Number(headers['content-length'] ?? 0);
    if (declared > this.#context.route.http.maxBodyBytes) {
      this.#bodyBytes = declared;
      this.#refuseBody(declared);
      return false;
    }
    // http-proxy reads these two fields. A request that expects something would go out before our headers are set on
    // it, and the client's `Connection` is not the upstream's.
    delete headers.expect;
    delete headers.connection;
    this.#countHead(this.#context.visit.headerBytes);
    this.#silence = new Silence({
      inactivityMs: this.#context.route.http.inactivityMs,
      owes: () => this.#clientOwes,
      kernelQueue: () => (this.#res.socket === null ? null : this.#context.kernelQueue(this.#res.socket)),
      over: () => this.#onSilence(),
      broke: () => void this.#res.destroy(),
    });
    return true;
  }

  /** Bytes wait for the client to take others. */
  get #clientOwes(): boolean {
    return this.#res.writableNeedDrain || (this.#res.socket?.writableLength ?? 0) > 0;
  }

  /** Nothing has moved for too long. If it is the client's turn, the answer may be whole already. */
  #onSilence(): void {
    if (this.#over || this.#res.destroyed) return;
    if (this.#clientOwes) this.#fail('client_timeout', null, 'it takes nothing');
    else if (this.#isBodyAwaited) this.#fail('client_timeout', null, 'its body stops');
    else this.failed(new UpstreamSilence(this.#context.route.http.inactivityMs));
  }

  /** The client has more of its body to send, and there is room for it. */
  get #isBodyAwaited(): boolean {
    return !this.#req.complete && this.#upstreamReq?.writableNeedDrain === false;
  }

  /** The upstream request has its connection; nothing of it is sent yet, and no byte of the body is read. */
  dialled(upstreamReq: ClientRequest): void {
    this.#upstreamReq = upstreamReq;
    if (this.#over) {
      upstreamReq.destroy();
      return;
    }
    const connection = this.#connection!;
    if (upstreamReq.socket !== null) {
      boundRecords(upstreamReq.socket);
      this.#pieces = AnswerPieces.between(upstreamReq, carefulBudget, this.#unsaid);
    }
    // http-proxy joins paths, and this is none.
    if (this.#req.url === '*') upstreamReq.path = '*';
    const { visit, hub } = this.#context;
    const told = toldOf(visit, hub, this.#req.rawHeaders);
    setRequestFields(upstreamReq, told, visit.origination.trusted, this.#repeats);
    upstreamReq.on('drain', () => this.#touch());
    boundInterim(upstreamReq, () => this.failed(new BadUpstreamAnswer(tooMuchInterim), connection));
    // A 101 that nobody asked for closes the request without an error.
    upstreamReq.once('close', () => {
      if (this.#upstreamRes === null) this.failed(new BadUpstreamAnswer('closed without an answer'), connection);
    });
    if (this.#repeated) return;
    if (this.#expectsContinue) {
      this.#continued = true;
      this.#res.writeContinue();
    }
    this.#watchFlow(this.#req);
    // Before the pipe: behind it the chunk may be gone.
    this.#req.prependListener('data', (chunk: Buffer) => this.#countBody(chunk.length));
    this.#req.once('end', () => this.#touch());
  }

  /** The upstream's answer begins. */
  answered(upstreamRes: IncomingMessage): void {
    this.#upstreamRes = upstreamRes;
    this.#touch();
    this.#pieces?.join(upstreamRes);
    upstreamRes.on('error', (error) => this.failed(error));
    upstreamRes.once('close', () => {
      if (!upstreamRes.complete) this.failed(new BadUpstreamAnswer('broke off'));
    });
    if (this.#over) {
      upstreamRes.destroy();
      return;
    }
    this.#countHead(headerBytes(0, upstreamRes.rawHeaders));
    const res = this.#res;
    const status = upstreamRes.statusCode!;
    const bodyless = this.#method === 'HEAD' || hasNoBody(status);
    const fault = longListFault(new RawFields(upstreamRes.rawHeaders));
    if (fault !== null || (!bodyless && isCoded(upstreamRes.headers))) {
      this.failed(new BadUpstreamAnswer(fault ?? coded));
      return;
    }
    const endless = !bodyless && !('content-length' in upstreamRes.headers);
    const chunked = endless && res.useChunkedEncodingByDefault;
    this.#endsByClosing = endless && !chunked;
    // A body that is announced and does not come, as to HEAD, may come all the same, behind the answer.
    if (bodyless && carriesBody(upstreamRes.headers)) this.#upstreamReq!.shouldKeepAlive = false;
    const endsWithConnection = endless && !('transfer-encoding' in upstreamRes.headers);
    this.#upstream!.endsByReset = endsWithConnection && status >= 400 && this.#hasBody;
    const { hub } = this.#context;
    const { answerChanges } = this.#context.visit;
    const raw = answerChanges?.all(upstreamRes.rawHeaders) ?? upstreamRes.rawHeaders;
    const headers = responseHeaders(raw, { contentLength: status !== 204, trailer: chunked });
    if (hub !== null) this.#followUse(hub, upstreamRes, headers);
    try {
      res.writeHead(status, upstreamRes.statusMessage, headers);
    } catch (error) {
      // Node writes fewer characters of a reason than it reads, and keeps what it does not write. Our own answer would
      // fail for that, and with it the process.
      res.statusMessage = '';
      this.failed(new BadUpstreamAnswer(error instanceof Error ? error.message : 'invalid header'));
      return;
    }
    // A long poll or an event stream sends its headers long before its first byte. `flushHeaders()` would write them as
    // UTF-8, and bytes beyond ASCII would arrive as others.
    res.write('', 'latin1');
    res.on('drain', () => this.#touch());
    upstreamRes.on('data', () => this.#touch());
    upstreamRes.once('end', () => {
      const trailers = chunked ? trailerFields(upstreamRes.rawTrailers, upstreamRes.rawHeaders) : [];
      if (trailers.length > 0) res.addTrailers(trailers);
      res.end();
    });
    this.#watchFlow(upstreamRes);
    passBody(upstreamRes, (chunk, done) => res.write(chunk, done), res);
  }

  /** Notes use of an API's route. A successful answer is use, while it flows and when it ends. */
  #followUse(hub: HubDuties, upstreamRes: IncomingMessage, headers: string[]): void {
    const { statusCode = 0 } = upstreamRes;
    const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'location');
    const location = at < 0 ? null : hub.locationFor(headers[at + 1]!, this.#context.visit.host);
    if (location !== null && redirects.has(statusCode)) headers[at + 1] = location;
    if (statusCode >= 300) return;
    const seen = () => hub.seen();
    upstreamRes.on('data', seen).once('end', seen);
  }

  /**
   * Something broke: the upstream's connection, its answer, or our patience. `connection` is the one that it broke
   * on.
   */
  failed(error: Error, connection = this.#connection): void {
    // The client's own end is seen at `ended`.
    if (this.#over || this.#res.writableEnded || this.#req.errored || this.#res.destroyed) return;
    // An error behind a whole answer concerns nobody.
    if (this.#upstreamRes?.complete) return;
    if (connection !== this.#connection || this.#repeat(error)) return;
    const { outcome, label } = classify(error);
    if (label !== null) this.#context.recorder.blame(this.#context.visit, label);
    if (error instanceof NoConnection && error.failure.limit) {
      this.#refuse(outcome, 'http.max_upstream_connections', error.failure.limit, error.message);
    } else {
      this.#fail(outcome, null, isTlsError(error) ? describeTlsError(error) : error.message);
    }
  }

  /**
   * Sends the request once more, on a new connection. It does so if the first connection had been idle and ended before
   * an answer began: then the upstream was closing it already, and has not seen the request.
   */
  #repeat(error: Error): boolean {
    if (this.#repeated || this.#upstreamRes !== null || error instanceof UpstreamSilence) return false;
    if (!this.#repeats || !this.#connection?.mayHaveBeenClosing) return false;
    this.#repeated = true;
    if (this.#upstreamReq) this.#req.unpipe(this.#upstreamReq);
    this.#upstreamReq?.destroy();
    this.#send('none');
    return true;
  }

  /** Cuts the request off, whatever its state. Returns whether it was not over yet. */
  abort(): boolean {
    if (this.#aborted) return false;
    this.#aborted = true;
    // What has failed before has its line already.
    if (!this.#over) this.#record('cut', null, '');
    this.#over = true;
    this.#abort.abort();
    this.#upstreamReq?.destroy();
    this.#cut();
    return true;
  }

  /** The response is done, or its connection is gone. Counts the request, once. */
  ended(): void {
    this.#over = true;
    this.#abort.abort();
    this.#silence?.stop();
    this.#holding.bytes = 0;
    const { recorder, visit } = this.#context;
    const status = this.#res.headersSent ? this.#res.statusCode : 0;
    recorder.answered(visit, status, this.#hasBody ? this.#bodyBytes : -1);
  }

  #countBody(bytes: number): void {
    this.#touch();
    if (this.#over) return;
    this.#bodyBytes += bytes;
    if (this.#bodyBytes > this.#context.route.http.maxBodyBytes) this.#refuseBody(this.#bodyBytes);
  }

  #refuseBody(observed: number): void {
    const configured = this.#context.route.http.maxBodyBytes;
    this.#refuse('body_too_large', 'http.max_body_size', { configured, observed });
  }

  /** Ends the request for a limit of its route. */
  #refuse(outcome: AnsweredFailure, name: LimitName, values: Omit<ExceededLimit, 'name'>, detail?: string): void {
    this.#fail(outcome, { name, ...values }, detail);
  }

  #fail(outcome: AnsweredFailure, limit: ExceededLimit | null, detail?: string): void {
    this.#over = true;
    this.#abort.abort();
    // Nothing waits for a receiver any more.
    this.#holding.bytes = exchangeBytes;
    const { route, hub } = this.#context;
    const refusal = asOfApi(refuseHttp(outcome, { route: route.name, limit }), hub);
    this.#record(outcome, limit, detail ?? '', this.#res.headersSent ? undefined : refusal.status);
    if (this.#upstreamReq) {
      this.#req.unpipe(this.#upstreamReq);
      this.#upstreamReq.destroy();
    }
    if (this.#res.headersSent) this.#cut();
    else this.#answer(refusal);
  }

  #answer(refusal: Refusal): void {
    // What follows on the connection is not looked at, as with every other refusal.
    if (refusal.limit !== null) this.#res.shouldKeepAlive = false;
    this.#silence?.stop();
    const patience = {
      waitsForContinue: this.#expectsContinue && !this.#continued,
      lingerMs: this.#context.route.timeouts.closeMs,
      pages: this.#context.pages(),
      target: this.#context.visit.target,
    };
    sendRefusal(this.#req, this.#res, refusal, this.#accept, patience);
  }

  /** Ends the client's connection so that half an answer does not look whole. */
  #cut(): void {
    if (this.#endsByClosing) this.#res.socket?.resetAndDestroy();
    this.#res.destroy();
  }

  #touch(): void {
    this.#silence?.touch();
  }

  #countHead(bytes: number): void {
    this.#ownBytes += bytesPerHeaderByte * bytes;
    this.#count();
  }

  #count(): void {
    if (!this.#over) this.#holding.bytes = this.#ownBytes + this.#stuck.size * stuckBytes;
  }

  /** Counts what waits while a sender is paused because its receiver lags behind. One that has ended has no more. */
  #watchFlow(sender: IncomingMessage): void {
    const goesOn = () => {
      this.#stuck.delete(sender);
      this.#count();
    };
    sender.on('resume', goesOn).once('end', goesOn);
    sender.on('pause', () => {
      // Node pauses a body when all of it has been piped.
      if (sender.readableEnded || this.#stuck.has(sender)) return;
      this.#stuck.set(sender, performance.now());
      this.#count();
    });
  }

  #record(outcome: HttpFailure, limit: ExceededLimit | null, detail: string, status?: number): void {
    this.#context.recorder.failed(this.#context.visit, { outcome, limit, detail, status });
  }
}
