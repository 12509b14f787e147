/**
 * One handshake that has been admitted: an exchange whose answer is 101. It costs a connect, a write, a read and a
 * write.
 *
 *   connect ─► ask ─► 101 ─► the relay has both sockets
 *      │        │ └ another answer: passed on whole
 *      └────────┴ one answer, one counter, one log line
 *
 * The client may leave at each arrow: then what was lent is given back and the upstream's socket is closed.
 */

import { Loan } from '../../admission/loan.ts';
import { describePressure, type MemoryHolder } from '../../admission/memory.ts';
import type { Refused } from '../../admission/verdict.ts';
import { handshakeOutcomes } from '../../catalogue/outcomes.ts';
import { mostInterimBytes, tooMuchInterim } from '../../http/interim.ts';
import { responseFraming } from '../../http/wire/framing.ts';
import { type HeadParser, HeadProgress } from '../../http/wire/head-parser.ts';
import type { Keeper } from '../../relay/memory/read-buffers.ts';
import type { Connected, Dial } from '../../upstream/connect.ts';
import { blameOf, type ConnectFailure, describeTlsError, isTlsError, outcomeOf } from '../../upstream/failure.ts';
import { checkSwitch } from '../../websocket/check.ts';
import type { EdgeRoute } from '../edge-route.ts';
import { asOfApi, type Refusal, refusalBytes, refusalOf } from '../errors.ts';
import type { AdmittedVisit } from '../reception.ts';
import type { Blame } from '../recorder.ts';
import { sessionOf } from '../session-of.ts';
import { Download } from './download.ts';
import { Line, type LineOwner } from './line.ts';
import type { LaneParts } from './parts.ts';
import { bytesPerRead } from './per-round.ts';
import type { PendingHandshake } from './under-way.ts';

/** A handshake that has been admitted. */
export interface OpeningRequest {
  readonly visit: AdmittedVisit;
  readonly route: EdgeRoute;
  /** What the upstream is sent. */
  readonly head: Buffer;
  /** The form of answers that its client prefers. */
  readonly accept: string | undefined;
}

/** What the client's connection does for its handshake. */
export interface OpeningClient {
  readonly line: Line;
  /** Returns what the client has sent behind its handshake, and reads nothing more. */
  takeEarly(): Buffer;
  /** The relay has the socket from now on. */
  opened(): void;
  /** The handshake has failed. `answer` is sent, unless it is `null`, and the connection ends. */
  turnedAwayWith(answer: Buffer | null): void;
}

const nothing = Buffer.alloc(0);
/** What the objects and sockets of a handshake take beside its head, in bytes, roughly. */
const ownBytes = 16 * 1024;
/** How long a client may take for what has come of a refusal that broke off, where a handshake may take for ever. */
const deliveryMs = 10_000;

export class Opening implements LineOwner, PendingHandshake, MemoryHolder {
  rosterPlace = -1;
  /** Nothing of it is left when it has been ended. */
  readonly isShed = false;
  readonly #parts: LaneParts;
  readonly #client: OpeningClient;
  readonly #request: OpeningRequest;
  /** What is lent until the handshake, or the connection that comes of it, is over. */
  #loan: Loan | null;
  #dial: Dial | null = null;
  readonly #heldBytes: number;
  /** What is held of an answer that is not whole. */
  #answerBytes = 0;
  #turn: 'connecting' | 'asking' | 'switched' | 'mirroring' | 'over' = 'connecting';
  #timer: NodeJS.Timeout | undefined;
  #line: Line | null = null;
  #answer: HeadParser | null = null;
  /** Of all informational answers. */
  #interimBytes = 0;
  #mirrored = 0;
  /** The refusal ends before its end. */
  #isBroken = false;
  #download: Download | null = null;
  #subprotocol: string | null = null;
  /** What the upstream has sent behind its 101. */
  #early: Buffer = nothing;

  constructor(parts: LaneParts, client: OpeningClient, request: OpeningRequest) {
    this.#parts = parts;
    this.#client = client;
    this.#request = request;
    // Once for the upstream, once in strings.
    this.#heldBytes = ownBytes + 2 * request.head.length;
    this.#loan = request.visit.takeLoan() ?? new Loan();
  }

  /** Begins; it may be over when this returns. */
  begin(): void {
    const { openings, memory } = this.#parts;
    openings.add(this);
    memory.budget.take(this.#heldBytes);
    const { route, endpoint } = this.#request.route;
    this.#loan!.use(endpoint.lease());
    const { connectMs, handshakeMs } = route.timeouts;
    if (handshakeMs > 0) this.#timer = this.#after(handshakeMs, () => this.#late());
    const dial = endpoint.dial(connectMs, {
      done: (connected) => this.#contained(() => this.#connected(connected)),
      broke: (error) => this.#broke(error),
    });
    if (this.#turn === 'connecting') this.#dial = dial;
  }

  #after(ms: number, call: () => void): NodeJS.Timeout {
    return setTimeout(() => this.#contained(call), ms);
  }

  /** What a dial or a clock calls. */
  #contained(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** A bug in one handshake must not end the connections of others. */
  #broke(error: unknown): void {
    this.#parts.log.tell('handshake_bug', { err: error });
    if (this.#turn !== 'over') this.#end();
    this.#client.line.destroy();
  }

  cancel(): void {
    if (this.#turn === 'over') return;
    this.#record({ outcome: 'draining', detail: '' });
    this.#end();
    this.#client.line.destroy();
  }

  clientGone(): void {
    if (this.#turn === 'over') return;
    if (this.#turn === 'mirroring') this.#recordMirrored(false);
    else this.#record({ outcome: 'client_gone', detail: 'the client left' });
    this.#end();
  }

  clientDrained(): void {
    if (this.#turn === 'switched') this.#open();
    else if (this.#isBroken) this.#breakMirror();
    else if (this.#download?.state === 'whole') this.#endMirror();
    else this.#line?.resume();
  }

  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    if (this.#turn === 'asking') this.#readAnswer(chunk, start, end, keeper);
    else if (this.#turn === 'switched') this.#early = Buffer.concat([this.#early, chunk.subarray(start, end)]);
    else if (this.#mirrorsOn) {
      this.#parts.byteBudget.spend(end - start + bytesPerRead);
      this.#download!.read(chunk, start, end, keeper);
      this.#afterMirror();
    }
    // An upstream has nothing to say behind its answer.
    else this.#line?.destroy();
  }

  drained(): void {}

  ended(): void {
    if (this.#turn === 'asking') this.#lost();
    else if (this.#mirrorsOn) {
      this.#download!.end();
      this.#afterMirror();
    }
  }

  gone(): void {
    if (this.#turn === 'asking') this.#lost();
    else if (this.#mirrorsOn) this.#breakMirror();
  }

  /** More of a refusal is to come. One that is whole may still wait for its client. */
  get #mirrorsOn(): boolean {
    return this.#turn === 'mirroring' && !this.#isBroken && this.#download!.state === 'open';
  }

  #connected(connected: Connected | ConnectFailure): void {
    this.#dial = null;
    if (this.#turn !== 'connecting') return;
    if ('problem' in connected) {
      const { problem, detail } = connected;
      if (problem !== 'aborted') this.#fail({ outcome: outcomeOf[problem], detail }, blameOf(problem));
      return;
    }
    this.#request.route.counters.connectSeconds.observe(connected.elapsedMs / 1000);
    const { head } = this.#request;
    this.#turn = 'asking';
    this.#line = new Line(connected.socket, nothing, this.#parts.memory, this);
    this.#line.send(head, 0, head.length);
    this.#line.start();
  }

  #readAnswer(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    this.#answer ??= this.#parts.answers.take();
    const answer = this.#answer;
    for (let at = start; at < end; at = answer.position) {
      const progress = answer.feed(chunk, at, end);
      if (progress === HeadProgress.starved) {
        this.#countAnswer();
        return;
      }
      if (progress !== HeadProgress.head) {
        this.#failHandshake('it does not answer in HTTP, or with too large a header');
        return;
      }
      if (answer.status >= 200 || answer.status === 101) {
        this.#answered(answer, chunk, end, keeper);
        return;
      }
      // A handshake is answered by the 101 or by a refusal alone.
      this.#interimBytes += answer.end - answer.start;
      if (this.#interimBytes > mostInterimBytes) {
        this.#failHandshake(tooMuchInterim);
        return;
      }
      answer.reset();
      this.#countAnswer();
    }
  }

  /** Counts what is held of the answer's head, or of its trailers. Whoever holds some may have to let it go. */
  #countAnswer(): void {
    const { budget } = this.#parts.memory;
    const bytes = (this.#answer?.capacity ?? 0) + (this.#download?.heldBytes ?? 0);
    if (bytes === this.#answerBytes) return;
    if (bytes === 0) budget.holders.delete(this);
    else budget.holders.add(this);
    budget.take(bytes - this.#answerBytes);
    this.#answerBytes = bytes;
  }

  get capacity(): number {
    return this.#heldBytes + this.#answerBytes;
  }

  shed(): void {
    if (this.#turn === 'over') return;
    if (this.#turn === 'mirroring') this.#cutMirror();
    else if (this.#turn === 'switched') this.#cutOff();
    else this.#refuse({ outcome: 'memory', detail: describePressure(this.#parts.memory.budget) });
  }

  #answered(answer: HeadParser, chunk: Buffer, end: number, keeper: Keeper | null): void {
    const { status } = answer;
    if (status >= 300) {
      this.#mirror(answer, chunk, end, keeper);
      return;
    }
    if (status !== 101) {
      // A success that opens no tunnel is no refusal: there is something else than a WebSocket server.
      this.#failHandshake(`it answers ${status}, which is no valid handshake`);
      return;
    }
    const agreement = checkSwitch(
      { httpVersion: `1.${answer.minorVersion}`, fields: answer },
      this.#request.visit.ask!,
    );
    if ('problem' in agreement) {
      this.#failHandshake(agreement.problem);
      return;
    }
    if (this.#parts.refusesHandshakes()) {
      this.#refuse({ outcome: 'draining', detail: '' });
      return;
    }
    const { heads } = this.#parts;
    const { line } = this.#client;
    this.#turn = 'switched';
    this.#subprotocol = agreement.subprotocol;
    if (agreement.oddity !== null) this.#parts.recorder.odd(this.#request.visit, agreement.oddity);
    if (answer.position < end) this.#early = Buffer.from(chunk.subarray(answer.position, end));
    this.#line!.pause();
    this.#request.visit.agreeOn(agreement.subprotocol);
    heads.switching(answer, this.#request.visit.answerChanges);
    if (!line.send(heads.bytes, 0, heads.length)) heads.renew();
    if (!line.writer.blocked) this.#open();
  }

  /** Hands both sockets to the relay. */
  #open(): void {
    const { visit, route } = this.#request;
    const client = this.#client.line.leave(this.#client.takeEarly());
    // A long handshake has a buffer of its own, and an idle connection would keep it.
    client.giveBuffer();
    const upstream = this.#line!.leave(this.#early);
    this.#line = null;
    const loan = this.#loan!;
    this.#loan = null;
    this.#end();
    this.#client.opened();
    this.#parts.open(sessionOf(visit, route, loan, { client, upstream, subprotocol: this.#subprotocol }));
  }

  /** The upstream refuses. Its answer goes to the client whole, and both connections end with it. */
  #mirror(answer: HeadParser, chunk: Buffer, end: number, keeper: Keeper | null): void {
    const { heads } = this.#parts;
    const { handshakeMs } = this.#request.route.route.timeouts;
    const framing = responseFraming(answer, 'GET');
    this.#turn = 'mirroring';
    this.#mirrored = answer.status;
    this.#client.takeEarly();
    this.#client.line.resume();
    // The body belongs to the handshake, so its time is bounded too.
    clearTimeout(this.#timer);
    if (handshakeMs > 0) this.#timer = this.#after(handshakeMs, () => this.#lateMirror());
    const changes = this.#request.visit.answerChanges;
    heads.response(answer, { chunks: framing === 'close', closes: true, date: nothing, changes });
    this.#download = new Download(this.#client.line, heads, framing, answer.contentLength);
    this.#download.begin(chunk, answer.position, end, keeper);
    this.#afterMirror();
  }

  #afterMirror(): void {
    const { byteBudget, chunkBudget } = this.#parts;
    const { state } = this.#download!;
    const { blocked, broken } = this.#client.line.writer;
    const hasRoom = chunkBudget.spend(this.#download!.countChunks());
    this.#countAnswer();
    if (broken) this.#cutMirror();
    else if (state === 'broken') this.#breakMirror();
    else if (state === 'open' && blocked) this.#line!.pause();
    else if (state === 'whole' && !blocked) this.#endMirror();
    else if (!hasRoom) this.#line!.awaitRound(chunkBudget);
    else if (byteBudget.spent) this.#line!.awaitRound(byteBudget);
  }

  #endMirror(): void {
    this.#recordMirrored(true);
    this.#end();
    this.#client.turnedAwayWith(null);
  }

  /** What has come of a refusal without its end is delivered, and its framing says so. */
  #breakMirror(): void {
    this.#isBroken = true;
    if (this.#client.line.writer.blocked) {
      this.#line?.destroy();
      // A client that reads gets it within the time of the handshake.
      if (this.#request.route.route.timeouts.handshakeMs === 0) {
        this.#timer ??= this.#after(deliveryMs, () => this.#lateMirror());
      }
      return;
    }
    this.#recordMirrored(false);
    this.#end();
    this.#client.turnedAwayWith(null);
  }

  #lateMirror(): void {
    if (this.#client.line.writer.blocked) this.#cutMirror();
    else this.#breakMirror();
  }

  /** The kernel gives back what the client does not take. */
  #cutMirror(): void {
    this.#recordMirrored(false);
    this.#end();
    this.#client.line.reset();
  }

  #recordMirrored(whole: boolean): void {
    const detail = `the upstream answered ${this.#mirrored}${whole ? '' : ', not to its end'}`;
    this.#parts.recorder.refused(this.#request.visit, { outcome: 'upstream_refused', detail }, this.#mirrored);
  }

  #late(): void {
    if (this.#turn === 'switched') {
      this.#cutOff();
      return;
    }
    const { handshakeMs } = this.#request.route.route.timeouts;
    this.#fail({ outcome: 'upstream_timeout', detail: `no answer in ${handshakeMs} ms` }, 'handshake_timeout');
  }

  /** Our 101 waits behind answers that the client does not take. */
  #cutOff(): void {
    this.clientGone();
    this.#client.line.reset();
  }

  #lost(): void {
    const { error } = this.#line!;
    if (error !== null && isTlsError(error)) {
      this.#fail({ outcome: 'upstream_tls_failed', detail: describeTlsError(error) }, 'tls');
    } else {
      const detail = `it closed before it answered: ${error?.message ?? 'the upstream closed the connection'}`;
      this.#fail({ outcome: 'upstream_unreachable', detail }, 'reset');
    }
  }

  #failHandshake(detail: string): void {
    this.#fail({ outcome: 'upstream_bad_handshake', detail }, 'bad_handshake');
  }

  #fail(refused: Refused, blame: Blame | null): void {
    if (blame !== null) this.#parts.recorder.blame(this.#request.visit, blame);
    this.#refuse(refused);
  }

  #refuse(refused: Refused): void {
    const { accept } = this.#request;
    this.#record(refused);
    this.#end();
    const answers = handshakeOutcomes[refused.outcome].status !== 0;
    this.#client.turnedAwayWith(answers ? refusalBytes(this.#refusalOf(refused), accept) : null);
  }

  #record(refused: Refused): void {
    this.#parts.recorder.refused(this.#request.visit, refused, this.#refusalOf(refused).status);
  }

  #refusalOf(refused: Refused): Refusal {
    const { route } = this.#request;
    return asOfApi(refusalOf(route.route.name, refused), route.hub);
  }

  /** Lets go of everything that is still lent. */
  #end(): void {
    const { openings, answers, memory } = this.#parts;
    this.#turn = 'over';
    this.#dial?.cancel();
    openings.delete(this);
    clearTimeout(this.#timer);
    this.#line?.destroy();
    if (this.#answer !== null) answers.give(this.#answer);
    this.#answer = null;
    if (this.#answerBytes > 0) memory.budget.holders.delete(this);
    memory.budget.give(this.capacity);
    this.#loan?.dispose();
  }
}
