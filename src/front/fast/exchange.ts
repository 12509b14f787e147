/**
 * One request and its answer:
 *
 *   begin ─► connecting ─► asking ─► answering ─► delivering ─► over
 *     │          ▲  │         │  │        ├ the upstream dies: what has come is delivered, and does not look whole
 *     │          └──┼─ once ──┘  │        └ the client leaves: the upstream's connection is closed
 *     │             │            └ no answer, none in time, none that is HTTP: 502, 504
 *     │             └ no connection: 502, 503, 504
 *     └ the declared body is over the limit: 413
 *
 * The body goes up while the answer comes down, and each waits for its own receiver. An answer may come before the
 * body has gone, and where writing the body fails it may lie there unread: what the upstream says counts, not what
 * could be written. Whoever has answered may go on reading: then the rest of the body still goes there. A request
 * that may be repeated, on a connection that was used before and ends before the first byte of an answer, is sent
 * once more on a new one.
 */

import type { Refused } from '../../admission/verdict.ts';
import type { AnsweredFailure } from '../../catalogue/outcomes.ts';
import { mostInterimBytes, tooMuchInterim } from '../../http/interim.ts';
import { responseFraming } from '../../http/wire/framing.ts';
import { type HeadParser, HeadProgress } from '../../http/wire/head-parser.ts';
import { belowLowMark, highMark } from '../../limits/watermarks.ts';
import type { RoundWaiter } from '../../relay/core/round-budget.ts';
import { joinBuffers } from '../../relay/memory/copy-buffers.ts';
import type { Keeper } from '../../relay/memory/read-buffers.ts';
import type { Passer } from '../../relay/registry.ts';
import type { LegWriter } from '../../relay/transport/leg-writer.ts';
import type { SocketTransport } from '../../relay/transport/socket-transport.ts';
import type { EndpointLease } from '../../upstream/endpoint.ts';
import { blameOf, type ConnectFailure, describeTlsError, isTlsError, outcomeOf } from '../../upstream/failure.ts';
import type { PoolLease, Reuse } from '../../upstream/pool.ts';
import { asOfApi, type ExceededLimit, type Refusal, refuseHttp } from '../errors.ts';
import type { Blame, Failed } from '../recorder.ts';
import { badAnswers, leavesUsable, locationOf } from './answer-head.ts';
import { Download } from './download.ts';
import { FirstWrite } from './first-write.ts';
import type { Line, LineOwner } from './line.ts';
import type { LaneParts } from './parts.ts';
import { bytesPerConnection, bytesPerRead } from './per-round.ts';
import { Quiet } from './quiet.ts';
import type { LaneRequest } from './request.ts';
import { Upload } from './upload.ts';
import type { UpstreamLine } from './upstream-line.ts';

/** What the client's connection does for its exchange. */
export interface ExchangeClient {
  readonly line: Line;
  /** What is allocated for what the client has sent too early, in bytes. It goes with the exchange. */
  readonly heldBytes: number;
  /** The upstream is there: what is held of the body may come, and more of it. */
  readHeld(): void;
  /** The answer is complete, and `upload` concerns nobody any more. `closes`: the connection ends with it. */
  answered(closes: boolean, upload: Upload): void;
  /** What has come of an answer without its end has been taken: nothing can follow it but the rest of `upload`. */
  brokeOff(upload: Upload): void;
  /** Answers with words of Sluice's own. */
  refuse(refusal: Refusal, closes: boolean, upload: Upload): void;
  /** Refuses what is no request, and ends the connection. */
  refuseRequest(refused: Refused): void;
}

type Turn = 'connecting' | 'asking' | 'answering' | 'delivering' | 'over';

/**
 * The most bytes of a body that are read and thrown away to keep the client's connection. For more than that it is
 * closed.
 */
const mostDropped = 256 * 1024;

/** How long a client may take nothing of an answer that broke off, in `timeouts.close`, where inactivity is off. */
const patience = 10;

const nothing = Buffer.alloc(0);

/** What the objects of an exchange take, in bytes, roughly. */
const ownBytes = 8 * 1024;

export class Exchange implements LineOwner, Passer, RoundWaiter {
  readonly request: LaneRequest;
  rosterPlace = -1;
  readonly #parts: LaneParts;
  readonly #client: ExchangeClient;
  readonly #upload: Upload;
  readonly #endpoint: EndpointLease;
  readonly #quiet: Quiet;
  #turn: Turn = 'connecting';
  #line: UpstreamLine | null = null;
  #abort: AbortController | null = null;
  /** The head for the upstream, which is sent later, or may have to be sent again. */
  #head: Buffer = nothing;
  /** The head, while it waits for what of the body has come with it. */
  #first: FirstWrite | null = null;
  #heldBytes = 0;
  /** The part of it that trailers hold. */
  #trailerBytes = 0;
  /** The head of an answer, as soon as something of it has come. */
  #answer: HeadParser | null = null;
  /** Of all informational answers. */
  #interimBytes = 0;
  #download: Download | null = null;
  /** The upstream goes on with its connection. */
  #reusable = false;
  #closes: boolean;
  /** What the client got; 0 for nothing. */
  #status = 0;
  /** It has failed, and that is recorded. */
  #failed = false;

  constructor(parts: LaneParts, client: ExchangeClient, request: LaneRequest) {
    this.#parts = parts;
    this.#client = client;
    this.request = request;
    this.#closes = request.closes;
    this.#upload = new Upload(request.framing, request.length, request.route.route.http.maxBodyBytes);
    this.#endpoint = request.route.endpoint.lease();
    this.#quiet = new Quiet(performance.now());
  }

  /** Begins. The head for the upstream stands in the shared writer of heads. */
  begin(): void {
    this.#parts.exchanges.add(this);
    const { route, length, visit } = this.request;
    // The target is kept until the request is over, for the log.
    this.#hold(ownBytes + visit.target.length);
    if (length > route.route.http.maxBodyBytes) this.#refuseBody(length);
    else this.#send();
  }

  #send(): void {
    const { pool } = this.request.route.endpoint;
    this.#head = this.#parts.heads.copy();
    this.#hold(this.#head.length);
    const lease = pool.waiting === 0 ? pool.take(this.#reuse) : null;
    if (lease !== null) this.#ask(lease);
    else if (this.#mustWait) this.#parts.byteBudget.wait(this);
    else this.#connect(this.#reuse);
  }

  /** Connects, or reads on. */
  onRound(): void {
    if (this.#turn === 'connecting') this.#connect(this.#reuse);
    else if (this.#turn === 'answering' && this.#line!.paused) this.#readOn(this.#line!);
  }

  reset(): void {
    this.#client.line.reset();
    this.#line?.reset();
  }

  #readOn(line: Line): void {
    const { writer } = this.#client.line;
    // If the receiver lags behind, `clientDrained` resumes the line.
    if (!writer.blocked || !this.#isFull(writer, 'upstream')) line.resume();
  }

  /** Whether what the client sends belongs to this request, and can be sent on. */
  get takesBody(): boolean {
    return this.#upload.state === 'open' && this.#turn !== 'connecting' && this.#turn !== 'over';
  }

  /** Takes more of the client's body. Returns where in the chunk the bytes begin that do not belong to it. */
  readBody(chunk: Buffer, start: number, end: number, keeper: Keeper | null): number {
    this.#quiet.stirred = true;
    const upload = this.#upload;
    const writer = this.#line?.writer ?? null;
    const before = upload.chunks;
    const position = upload.read(chunk, start, end, keeper, this.#first ?? writer);
    this.#holdTrailers();
    if (this.#first === null) writer?.flush();
    else this.#sendFirst(this.#first);
    const { chunkBudget } = this.#parts;
    if (!chunkBudget.spend(upload.chunks - before)) this.#client.line.awaitRound(chunkBudget);
    if (upload.state === 'over') this.#refuseBody(upload.announcedBytes);
    else if (upload.state === 'broken') this.#refuseBroken(upload.fault);
    else if (this.#turn === 'delivering' && (upload.state === 'whole' || writer?.broken)) this.#endIfDelivered();
    else if (writer?.blocked && this.#isFull(writer, 'client')) this.#client.line.pause();
    return position;
  }

  /** Sends the head, if it has waited for the body and nothing of that has come. */
  sendWaitingHead(): void {
    if (this.#first === null) return;
    this.#first = null;
    this.#sendHead();
  }

  #sendFirst(first: FirstWrite): void {
    if (first.isBare) return;
    this.#first = null;
    const bytes = first.joined();
    this.#line!.send(bytes, 0, bytes.length);
  }

  /** The client has left. */
  clientGone(): void {
    if (this.#turn !== 'over') this.#end();
  }

  /** Cuts the request off, whatever its state. Returns whether it was not over yet. */
  cut(): boolean {
    if (this.#turn === 'over') return false;
    this.#recordFailure({ outcome: 'cut', detail: '', limit: null });
    this.#end();
    this.#client.line.reset();
    return true;
  }

  /** The client has taken bytes that waited. */
  clientDrained(): void {
    this.#quiet.stirred = true;
    if (this.#turn === 'delivering') this.#endIfDelivered();
    else if (this.#line?.paused && this.#isLow(this.#client.line.writer, 'upstream')) this.#line.resume();
  }

  // The upstream's line.

  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    this.#quiet.stirred = true;
    this.#parts.byteBudget.spend(end - start + bytesPerRead);
    if (this.#turn === 'asking') this.#readHeads(chunk, start, end, keeper);
    else if (this.#turn === 'answering') {
      this.#noteUse();
      const clean = this.#download!.read(chunk, start, end, keeper) === end;
      this.#holdTrailers();
      this.#afterRead(clean);
    }
    // An upstream has nothing to say behind its answer.
    else this.#line?.destroy();
  }

  drained(): void {
    this.#quiet.stirred = true;
    const { line } = this.#client;
    if (this.#turn !== 'over' && line.paused && this.#isLow(this.#line!.writer, 'client')) line.resume();
  }

  ended(): void {
    if (this.#turn === 'asking') {
      this.#endedUnanswered();
    } else if (this.#turn === 'answering') {
      this.#download!.end();
      this.#afterRead(true);
    } else this.#endIfDelivered();
  }

  gone(): void {
    if (this.#turn === 'asking') this.#endedUnanswered();
    else if (this.#turn !== 'answering') this.#endIfDelivered();
    else if (this.#closedUnread) this.ended();
    else this.#breakOff('reset', 'the connection broke');
  }

  // What it holds of the memory of all.

  /** Nothing of it is left when it has been ended. */
  readonly isShed = false;

  get capacity(): number {
    const { line, heldBytes } = this.#client;
    return this.#heldBytes + heldBytes + line.writer.capacity + (this.#line?.writer.capacity ?? 0);
  }

  get sources(): readonly SocketTransport[] {
    const { transport } = this.#client.line;
    return this.#line === null ? [transport] : [transport, this.#line.transport];
  }

  yieldMemory(): void {
    if (this.#client.line.writer.blocked) this.#line?.pause();
    if (this.#line?.writer.blocked) this.#client.line.pause();
  }

  shed(limitBytes: number, observedBytes: number): void {
    if (this.#turn === 'over') return;
    const limit = { name: 'memory.max_buffered', configured: limitBytes, observed: observedBytes } as const;
    this.#fail('memory', limit, '');
  }

  /** Called every tick. */
  tick(now: number): void {
    const { http, timeouts } = this.request.route.route;
    // Nobody but the client can end what is left of an answer that broke off.
    const inactivityMs = http.inactivityMs || (this.#failed ? patience * timeouts.closeMs : 0);
    if (inactivityMs === 0) return;
    const waits = this.#client.line.writer.blocked ? this.#client.line : this.#line?.writer.blocked ? this.#line : null;
    if (this.#quiet.tick(now, inactivityMs, waits) < inactivityMs) return;
    if (this.#isClientsTurn && !this.#failed) {
      this.#fail('client_timeout', null, this.#client.line.writer.blocked ? 'it takes nothing' : 'its body stops');
    } else if (this.#turn === 'delivering') {
      this.#end();
      this.#client.line.reset();
    } else {
      this.#blame('response_timeout');
      this.#fail('upstream_timeout', null, 'no byte in time');
    }
  }

  /** It is the client's turn: to take what waits for it, or to send more of a body for which there is room. */
  get #isClientsTurn(): boolean {
    if (this.#client.line.writer.blocked) return true;
    return this.takesBody && !this.#waits && this.#line?.writer.blocked !== true;
  }

  /** More belongs in a later round of the event loop. */
  get #mustWait(): boolean {
    const { byteBudget } = this.#parts;
    return byteBudget.spent || byteBudget.crowded;
  }

  /** The client waits to be told to go on with its body. */
  get #waits(): boolean {
    return this.request.expects && this.#upload.state === 'open' && this.#upload.payloadBytes === 0;
  }

  /** An upstream may close a connection that has carried requests in any moment, and what is sent then is lost. */
  get #reuse(): Reuse {
    return this.request.repeats ? 'any' : 'none';
  }

  /**
   * Whether a reset ends the answer. An upstream that did not want the body refuses, up to the end of the connection.
   * If it closes with some of the body unread, its kernel resets the connection, and that is all the end there is.
   */
  get #closedUnread(): boolean {
    return this.#status >= 400 && this.request.framing !== 'none' && this.#download!.endsWithConnection;
  }

  #connect(reuse: Reuse): void {
    this.#abort = new AbortController();
    this.#parts.byteBudget.spend(bytesPerConnection);
    const { route, endpoint } = this.request.route;
    const ask = { reuse, timeoutMs: route.timeouts.connectMs, signal: this.#abort.signal };
    endpoint.pool
      .lease(ask)
      .then((lease) => {
        if (this.#turn !== 'connecting') 'problem' in lease || lease.giveBack();
        else if ('problem' in lease) this.#failToConnect(lease);
        else this.#ask(lease);
      })
      .catch((error) => {
        // A bug in one exchange must not end those of others.
        this.#parts.log.tell('exchange_bug', { err: error });
        if (this.#turn !== 'over') this.#end();
        this.#client.line.reset();
      });
  }

  #failToConnect({ problem, detail, limit }: ConnectFailure): void {
    const blame = blameOf(problem);
    if (blame !== null) this.#blame(blame);
    // If we gave the dial up, its exchange is over already.
    if (problem === 'aborted') return;
    this.#fail(outcomeOf[problem], limit ? { name: 'http.max_upstream_connections', ...limit } : null, detail);
  }

  #ask(lease: PoolLease): void {
    this.#turn = 'asking';
    this.#line = this.#parts.upstreams.take(lease, this);
    if (this.#upload.state !== 'open') {
      this.#sendHead();
      return;
    }
    this.#first = new FirstWrite(this.#head);
    this.#client.readHeld();
  }

  #sendHead(): void {
    this.#line!.send(this.#head, 0, this.#head.length);
  }

  /** Counts bytes that are held here. */
  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.#parts.memory.budget.take(bytes);
  }

  /** Counts what is held of trailers that are not whole. */
  #holdTrailers(): void {
    const bytes = this.#upload.heldBytes + (this.#download?.heldBytes ?? 0);
    if (bytes === this.#trailerBytes) return;
    this.#hold(bytes - this.#trailerBytes);
    this.#trailerBytes = bytes;
  }

  #readHeads(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    const { answers, heads, date } = this.#parts;
    this.#answer ??= answers.take();
    const answer = this.#answer;
    let interims: Buffer[] | null = null;
    for (let at = start; at < end; at = answer.position) {
      const before = answer.capacity;
      const progress = answer.feed(chunk, at, end);
      if (answer.capacity !== before) this.#hold(answer.capacity - before);
      if (progress === HeadProgress.starved) break;
      if (progress !== HeadProgress.head || answer.status === 101) {
        this.#breakOff(
          'bad_response',
          badAnswers[progress] ?? 'the upstream switched protocols, and nobody asked it to',
        );
        return;
      }
      if (answer.status >= 200) {
        if (interims !== null) this.#passInterims(interims);
        this.#beginAnswer(answer, chunk, end, keeper);
        return;
      }
      this.#interimBytes += answer.end - answer.start;
      if (this.#interimBytes > mostInterimBytes) {
        this.#breakOff('bad_response', tooMuchInterim);
        return;
      }
      heads.response(answer, { chunks: false, closes: false, date: date() });
      interims ??= [];
      interims.push(heads.copy());
      this.#hold(-answer.capacity);
      answer.reset();
    }
    if (interims !== null) this.#passInterims(interims);
  }

  /**
   * 100, 102, 103: for the client, as they came. A read may hold thousands, and each write costs as much as that of a
   * message.
   */
  #passInterims(interims: readonly Buffer[]): void {
    this.#parts.byteBudget.spend(bytesPerRead);
    const bytes = joinBuffers(interims);
    this.#client.line.send(bytes, 0, bytes.length);
  }

  #beginAnswer(answer: HeadParser, chunk: Buffer, end: number, keeper: Keeper | null): void {
    const { heads, answers, date, endsKeepAlive } = this.#parts;
    const framing = responseFraming(answer, this.request.visit.method);
    // A client that waits to be told to go on may send its body now, or not. What follows could be read either way.
    const left = this.#upload.remainingBytes;
    if (endsKeepAlive() || left > mostDropped || this.#waits) this.#closes = true;
    const { visit, route, repeats } = this.request;
    this.#reusable = repeats && leavesUsable(answer, framing);
    const location = locationOf(answer, route.hub, visit.host);
    const changes = visit.answerChanges;
    const keeps = route.hub !== null && !this.#closes;
    const chunks = framing === 'close';
    heads.response(answer, { chunks, closes: this.#closes, keeps, date: date(), location, changes });
    this.#turn = 'answering';
    this.#status = answer.status;
    this.#noteUse();
    const { contentLength, position } = answer;
    this.#hold(-answer.capacity);
    answers.give(answer);
    this.#answer = null;
    this.#download = new Download(this.#client.line, heads, framing, contentLength);
    this.#afterRead(this.#download.begin(chunk, position, end, keeper) === end);
  }

  /** Notes use of an API's route. A successful answer is use, while it flows and when it ends. */
  #noteUse(): void {
    const { hub } = this.request.route;
    if (hub !== null && this.#status < 300) hub.seen();
  }

  /** `clean`: nothing stands behind the answer, if that is whole. */
  #afterRead(clean: boolean): void {
    const { writer } = this.#client.line;
    const { chunkBudget } = this.#parts;
    const { state } = this.#download!;
    const hasRoom = chunkBudget.spend(this.#download!.countChunks());
    // Whoever takes nothing more has left. Where much is held of what it has sent, nothing else tells.
    if (writer.broken) this.#client.line.destroy();
    else if (state === 'whole') {
      if (!clean) this.#reusable = false;
      this.#turn = 'delivering';
      this.#endIfDelivered();
    } else if (state === 'broken') this.#breakOff('bad_response', 'the upstream broke off its answer');
    else if (writer.blocked && this.#isFull(writer, 'upstream')) this.#line!.pause();
    else if (this.#mustWait) {
      this.#line!.pause();
      this.#parts.byteBudget.wait(this);
    } else if (!hasRoom) this.#line!.awaitRound(chunkBudget);
  }

  /** Ends the exchange if the whole answer has been taken, and the body has been sent as far as anybody wants it. */
  #endIfDelivered(): void {
    if (this.#turn !== 'delivering') return;
    const sent = this.#upload.state === 'whole';
    const line = this.#line;
    if (line !== null) {
      const lost = this.#failed || line.finished || line.gone || line.writer.broken || this.#waits;
      if (!sent && !lost) return;
      if (this.#reusable && sent && !lost && !line.writer.blocked) this.#parts.upstreams.giveBack(line);
      else this.#discard(line);
      this.#line = null;
    }
    if (this.#client.line.writer.blocked) return;
    this.#noteUse();
    this.#end();
    if (this.#failed) this.#client.brokeOff(this.#upload);
    else this.#client.answered(this.#closes, this.#upload);
  }

  /** The connection ended, and there is no answer. */
  #endedUnanswered(): void {
    if (this.#answer !== null) {
      this.#breakOff('bad_response', 'the upstream broke off its answer');
    } else if (this.#line!.reused && this.request.repeats) {
      this.#line!.discard();
      this.#line = null;
      this.#turn = 'connecting';
      this.#connect('none');
    } else if (this.#line!.error !== null && isTlsError(this.#line!.error)) {
      this.#blame('tls');
      this.#fail('upstream_tls_failed', null, describeTlsError(this.#line!.error));
    } else {
      this.#breakOff('reset', 'the upstream closed the connection without an answer');
    }
  }

  /** The upstream's answer is none, or not whole. */
  #breakOff(blame: Blame, detail: string): void {
    this.#blame(blame);
    this.#fail('upstream_failed', null, detail);
  }

  #blame(blame: Blame): void {
    this.#parts.recorder.blame(this.request.visit, blame);
  }

  #refuseBody(observed: number): void {
    const configured = this.request.route.route.http.maxBodyBytes;
    this.#fail('body_too_large', { name: 'http.max_body_size', configured, observed }, '');
  }

  /** The client's chunks are malformed, so what follows means nothing. */
  #refuseBroken(detail: string): void {
    this.#closes = true;
    const begun = this.#status !== 0;
    if (!begun) this.#status = 400;
    this.#end();
    if (begun) this.#client.line.destroy();
    else this.#client.refuseRequest({ outcome: 'bad_request', detail });
  }

  #fail(outcome: AnsweredFailure, limit: ExceededLimit | null, detail: string): void {
    const { route, hub } = this.request.route;
    const begun = this.#status !== 0;
    const refusal = asOfApi(refuseHttp(outcome, { route: route.name, limit }), hub);
    const status = begun ? undefined : refusal.status;
    this.#recordFailure({ outcome, detail, limit, status });
    if (!begun) this.#status = refusal.status;
    // What has come of an answer is the client's, as it would be without Sluice. Its framing says that it has no end.
    if (begun && (outcome === 'upstream_failed' || outcome === 'upstream_timeout')) {
      this.#turn = 'delivering';
      this.#endIfDelivered();
      return;
    }
    this.#end();
    // Half an answer must not look whole.
    if (begun) this.#client.line.reset();
    else this.#client.refuse(refusal, this.#closes || limit !== null || this.#parts.endsKeepAlive(), this.#upload);
  }

  /** Records why it has failed: the first cause counts. */
  #recordFailure(failure: Failed): void {
    if (!this.#failed) this.#parts.recorder.failed(this.request.visit, failure);
    this.#failed = true;
  }

  /** Lets go of everything, and counts the request. */
  #end(): void {
    const { exchanges, memory, answers, recorder } = this.#parts;
    // An abort makes an error with its stack, so it is made only while somebody listens.
    if (this.#turn === 'connecting') this.#abort?.abort();
    this.#turn = 'over';
    this.#first = null;
    exchanges.delete(this);
    if (this.#line !== null) this.#discard(this.#line);
    if (this.#answer !== null) answers.give(this.#answer);
    memory.budget.give(this.#heldBytes);
    this.#endpoint[Symbol.dispose]();
    const { visit, framing, length } = this.request;
    recorder.answered(visit, this.#status, framing === 'none' ? -1 : Math.max(length, this.#upload.payloadBytes));
    visit.giveBack();
  }

  #discard(line: UpstreamLine): void {
    // A request that is cut off must not look whole.
    line.discard(this.#upload.state !== 'whole');
  }

  /** Whether so much waits for a receiver that its sender must wait too. */
  #isFull(writer: LegWriter, sender: 'client' | 'upstream'): boolean {
    const { bufferedBytes } = writer;
    if (highMark(bufferedBytes, 0, this.request.route.route.limits[sender]) !== null) return true;
    return !this.#parts.memory.budget.allowsRead(Math.max(bufferedBytes, writer.capacity));
  }

  #isLow({ bufferedBytes }: LegWriter, sender: 'client' | 'upstream'): boolean {
    if (!belowLowMark(bufferedBytes, 0, this.request.route.route.limits[sender])) return false;
    return this.#parts.memory.budget.allowsResuming(bufferedBytes);
  }
}
