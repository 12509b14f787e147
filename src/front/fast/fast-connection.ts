/**
 * One connection in the fast lane, one request at a time:
 *
 *   head ──► admission ──► exchange ──► rest of a body that nobody wants ──► head …
 *     │          │             └─────────────────┴──► over: the answer was the last one; what comes now is thrown away
 *     │          ├──► opening ──► the relay has the socket
 *     │          └──► turned away: as if that were the upstream's answer; a handshake ends its connection
 *     ├──► careful: not of the strict form; the other lane has the socket, and all bytes from the head's first
 *     └──► over: no request, or for no route
 *
 * A head is read in a round of the event loop that has room for it, and when the answer before it is complete. What
 * comes meanwhile is held up to a bound, and then nothing more is read: pipelining costs its sender's patience and not
 * our memory.
 */
import type { Socket } from 'node:net';
import { describePressure, Holding } from '../../admission/memory.ts';
import type { Refused } from '../../admission/verdict.ts';
import type { Visit } from '../../admission/visit.ts';
import { idempotent } from '../../http/idempotent.ts';
import { ConnectionOptions } from '../../http/wire/connection.ts';
import { requestFraming } from '../../http/wire/framing.ts';
import { type Head, maxHeadLines } from '../../http/wire/head.ts';
import { type HeadParser, HeadProgress, maxHeadBytes, parserBytes } from '../../http/wire/head-parser.ts';
import type { RoundWaiter } from '../../relay/core/round-budget.ts';
import { ownBuffer } from '../../relay/memory/copy-buffers.ts';
import { type Keeper, owned } from '../../relay/memory/read-buffers.ts';
import type { Connection } from '../connection.ts';
import type { EdgeRoute } from '../edge-route.ts';
import { asOfApi, type Refusal, refusalBytes, refusalOf } from '../errors.ts';
import { lingerMs } from '../farewell.ts';
import { HeldBytes, mostHeldBytes } from '../held-bytes.ts';
import type { AdmittedVisit, VisitHost } from '../reception.ts';
import type { Subject } from '../recorder.ts';
import { Exchange, type ExchangeClient } from './exchange.ts';
import { Line, type LineOwner } from './line.ts';
import { Opening } from './opening.ts';
import { Origins } from './origins.ts';
import { healthAnswer, refusalAnswer } from './own-answer.ts';
import type { LaneParts } from './parts.ts';
import { bytesPerRequest } from './per-round.ts';
import { type Asked, nothingAsked, type RequestHead, readBeginning, readHead, visitOf } from './request-head.ts';
import { type Upload, unwantedBody } from './upload.ts';

/**
 * How long the rest of a request is read before the end of the connection is shown. It is longer than `lingerMs`,
 * because many clients read only when they have sent everything.
 */
const restMs = 10_000;
const nothing = Buffer.alloc(0);

const tooLarge = {
  [HeadProgress.tooLarge]: {
    outcome: 'headers_too_large',
    detail: `the header block has more than ${maxHeadBytes} bytes`,
  },
  [HeadProgress.tooManyLines]: {
    outcome: 'too_many_headers',
    detail: `there are more than ${maxHeadLines} header lines`,
  },
} as const;

type Turn =
  /** A head is read, or its first byte awaited. */
  | 'head'
  /** A request is there, and waits for a round of the event loop that has room for it. */
  | 'round'
  /** Its head is being judged, and the parser still has it. */
  | 'admission'
  | 'exchange'
  | 'opening'
  /** The answer is a page that another program is asked for. */
  | 'page'
  /** An answer of ours waits for its client to read, or for a round of its own; nothing more is read before. */
  | 'owed'
  /** The rest of a body is read and thrown away. */
  | 'rest'
  /** Our last word is said, or somebody else has the socket. */
  | 'over';

export class FastConnection implements LineOwner, ExchangeClient, VisitHost, RoundWaiter {
  readonly line: Line;
  readonly #parts: LaneParts;
  readonly #connection: Connection;
  readonly #origins: Origins;
  #turn: Turn = 'head';
  #parser: HeadParser | null = null;
  /** The request under way. */
  #head: RequestHead | null = null;
  #visit: Visit | null = null;
  #exchange: Exchange | null = null;
  #opening: Opening | null = null;
  #rest: Upload | null = null;
  /** The connection ends behind the rest. */
  #restIsLast = false;
  /** Of a head, or of trailers that nobody wants. */
  readonly #holding: Holding;
  /** Read, and for later. */
  #held: HeldBytes | null = null;
  /** A read goes on. */
  #reading = false;

  constructor(parts: LaneParts, connection: Connection, bytes: Buffer) {
    this.#parts = parts;
    this.#connection = connection;
    this.#origins = new Origins(connection.peer);
    this.#holding = new Holding(parts.memory.budget);
    this.line = new Line(connection.socket, bytes, parts.memory, this);
    connection.socket = this.line.socket;
  }

  /** Begins to read. */
  start(): void {
    this.#connection.wait('request', this.#parts.headersMs());
    this.line.start();
  }

  // The client's line.

  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    const outer = this.#reading;
    this.#reading = true;
    this.#readAll(chunk, start, end, keeper);
    this.#reading = outer;
    if (!outer) this.#exchange?.sendWaitingHead();
  }

  #readAll(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void {
    for (let at = start; at < end && !this.#isOver; ) {
      if (this.#turn === 'rest') {
        at = this.#readRest(this.#rest!, chunk, at, end, keeper);
      } else if (this.#turn === 'exchange' && this.#exchange?.takesBody) {
        at = this.#exchange.readBody(chunk, at, end, keeper);
      } else if (this.#turn === 'head' && (this.#parser !== null || this.#mayBegin())) {
        at = this.#readHead(chunk, at, end);
      } else {
        this.#hold(chunk, at, end);
        return;
      }
    }
  }

  /**
   * Whether a request that begins here may be read in this round of the event loop. If not it waits for one, under way
   * already, and what has come of it is held.
   */
  #mayBegin(): boolean {
    const { byteBudget } = this.#parts;
    if (byteBudget.spent || byteBudget.crowded) {
      this.#turn = 'round';
      this.#connection.work();
      byteBudget.wait(this);
      return false;
    }
    this.#beginHead();
    return true;
  }

  #beginHead(): void {
    this.#parts.byteBudget.spend(bytesPerRequest);
    this.#parser = this.#parts.requests.take();
  }

  drained(): void {
    if (this.#turn === 'owed') this.#goOn();
    else if (this.#turn === 'exchange') this.#exchange?.clientDrained();
    else if (this.#turn === 'opening') this.#opening?.clientDrained();
  }

  ended(): void {
    if (this.#turn === 'round' || (this.#turn === 'head' && this.#parser?.begun)) {
      this.#record({ outcome: 'client_gone', detail: 'the client left within a request' });
    }
    this.#leaveRequest();
    if (!this.#isOver) this.line.destroy();
  }

  gone(): void {
    this.#leaveRequest();
    this.#release();
  }

  get #isOver(): boolean {
    return this.#turn === 'over';
  }

  /** The client has left. */
  #leaveRequest(): void {
    if (this.#turn === 'admission') this.#visit?.leave();
    else if (this.#turn === 'exchange') this.#exchange?.clientGone();
    else if (this.#turn === 'opening') this.#opening?.clientGone();
  }

  // Its exchange.

  get heldBytes(): number {
    return this.#held?.capacity ?? 0;
  }

  readHeld(): void {
    const held = this.#takeHeld();
    if (held !== null) this.read(held, 0, held.length, owned);
    // Behind a head that was read just now its body may stand.
    else if (!this.#reading) this.#exchange?.sendWaitingHead();
    if (this.#held === null) this.line.resume();
  }

  answered(closes: boolean, upload: Upload): void {
    this.#exchange = null;
    const isWhole = upload.state === 'whole';
    const waits = this.#asked.expects && !isWhole && upload.payloadBytes === 0;
    // A client that waits to be told to go on sends nothing.
    if (!isWhole && !waits) this.#awaitRest(upload, closes);
    else if (closes || waits) this.#farewell();
    else this.#next();
  }

  brokeOff(upload: Upload): void {
    this.#exchange = null;
    this.#farewell(upload.state === 'open' ? restMs : lingerMs);
  }

  refuse(refusal: Refusal, closes: boolean, upload: Upload): void {
    this.#skipHeld(upload);
    const ends = closes || upload.state !== 'whole';
    this.#answer(refusal, ends, () => this.#answeredByUs(ends, upload));
  }

  /** Sends an answer of Sluice's own, or another program's page in its place; calls `sent` then. */
  #answer(refusal: Refusal, closes: boolean, sent: () => void): void {
    const answer = refusalAnswer(refusal, this.#asked, closes, this.#parts.pages());
    if (!(answer instanceof Promise)) {
      this.#send(answer);
      sent();
      return;
    }
    this.#turn = 'page';
    answer
      .then((page) => {
        if (this.#turn !== 'page') return;
        this.#send(page);
        sent();
      })
      .catch((error) => {
        this.#parts.log.tell('exchange_bug', { err: error });
        this.line.reset();
      });
  }

  #send(answer: Buffer): void {
    // What waits must not keep what Node shares among many small buffers.
    const bytes = ownBuffer(answer);
    this.line.send(bytes, 0, bytes.length);
  }

  /** Nothing more is read before the client has taken an answer of ours, and a round has room for the next. */
  #answeredByUs(ends: boolean, upload: Upload): void {
    const { answerBudget } = this.#parts;
    const hasRoom = answerBudget.spend(1);
    if (ends || (hasRoom && !this.line.writer.blocked)) {
      this.answered(ends, upload);
      return;
    }
    this.#exchange = null;
    if (this.#holdsTooMuch) {
      this.#farewell();
      return;
    }
    this.#turn = 'owed';
    this.line.pause();
    this.#connection.wait('end', restMs);
    if (!this.line.writer.blocked) answerBudget.wait(this);
  }

  onRound(): void {
    if (this.#turn === 'round') {
      this.#turn = 'head';
      this.#beginHead();
      this.readHeld();
    } else if (this.#turn === 'owed' && this.#holdsTooMuch) this.#farewell();
    else if (this.#turn === 'owed') this.#goOn();
  }

  reset(): void {
    this.line.reset();
  }

  /** Where memory is short nothing is held for the sake of more answers of ours: nobody else could get it back. */
  get #holdsTooMuch(): boolean {
    return this.#held !== null && this.#parts.memory.budget.pressed;
  }

  /** The answer of ours has gone. */
  #goOn(): void {
    if (!this.line.writer.blocked) this.#next();
  }

  refuseRequest(refused: Refused): void {
    this.#exchange = null;
    this.#refuse(refused, this.#unknown(), null);
  }

  // Its visit.

  get bodyBytes(): number {
    return requestFraming(this.#parser!) === 'none' ? -1 : Math.max(this.#parser!.contentLength, 0);
  }

  admitted(visit: AdmittedVisit): void {
    if (visit.kind === 'websocket') this.#open(visit, this.#head!);
    else this.#exchangeFor(visit, this.#head!);
  }

  turnedAway(visit: Visit, refused: Refused): void {
    const parser = this.#parser!;
    const refusal = refusalOf(visit.route.route.name, refused);
    const closes = this.#isLast(parser);
    const upload = unwantedBody(parser);
    this.#dropParser();
    if (visit.kind === 'websocket') this.turnedAwayWith(refusalBytes(refusal, this.#asked.accept));
    else this.refuse(refusal, closes, upload);
  }

  givenUp(visit: Visit): void {
    this.#dropParser();
    if (visit.kind === 'http') this.line.reset();
    else this.line.destroy();
  }

  /** What it held goes with its connection. */
  left(): void {
    this.line.destroy();
  }

  get unread(): Socket | null {
    return this.line.paused ? this.line.socket : null;
  }

  // Its opening.

  /** Returns what the client sent behind its handshake, and reads nothing more. */
  takeEarly(): Buffer {
    this.line.pause();
    return this.#takeHeld() ?? nothing;
  }

  /** The relay has the socket until `released`. */
  opened(): void {
    this.#opening = null;
    this.#release();
  }

  /** The handshake was refused, by us (with an answer) or by the upstream (whose answer has been sent). */
  turnedAwayWith(answer: Buffer | null): void {
    this.#opening = null;
    if (answer !== null) this.line.send(answer, 0, answer.length);
    this.#farewell();
  }

  /** Returns where in the chunk the head ends. */
  #readHead(chunk: Buffer, start: number, end: number): number {
    const parser = this.#parser!;
    const progress = parser.feed(chunk, start, end);
    const { position } = parser;
    switch (progress) {
      case HeadProgress.head:
        this.#begin(parser);
        return position;
      case HeadProgress.starved:
        this.#awaitMore(parser);
        break;
      case HeadProgress.careful:
        this.#leave(parser, chunk, end);
        break;
      default:
        this.#refuse(tooLarge[progress], this.#partlyKnown(parser), null);
    }
    return end;
  }

  #awaitMore(parser: HeadParser): void {
    const { budget } = this.#parts.memory;
    const { pressed } = budget;
    this.#holding.bytes = parserBytes + parser.capacity;
    if (pressed) this.#refuse({ outcome: 'memory', detail: describePressure(budget) }, this.#unknown(), null);
    else if (this.#connection.waitsFor !== 'header') this.#waitForHeader();
  }

  #waitForHeader(): void {
    this.#connection.wait('header', this.#parts.headersMs(), () => {
      this.#refuse({ outcome: 'request_timeout', detail: 'the header did not come in time' }, this.#unknown(), null);
    });
  }

  #begin(parser: HeadParser): void {
    if (this.#connection.isLast) {
      this.#farewell();
      return;
    }
    this.#connection.work();
    const { noteUntrusted, unrouted } = this.#parts;
    const edge = this.#parts.edge();
    const head = readHead(parser, this.#origins, edge);
    const { target, host, route, upgrades } = head;
    const { address, trusted } = head.sender.origination;
    this.#head = head;
    if (head.asksHealth) {
      this.#answerHealth(parser);
      return;
    }
    if (parser.forwards && !trusted) noteUntrusted(address, route?.counters ?? unrouted());
    if (route !== null) {
      this.#receive(parser, visitOf(head, route, parser, this.#connection.peer, edge));
      return;
    }
    const upload = unwantedBody(parser);
    this.#dropParser();
    const kind = upgrades ? 'websocket' : 'http';
    this.#refuse(head.refused!, this.#parts.recorder.unrouted({ route: null, host, target, address }, kind), upload);
  }

  /** Answers that Sluice lives, if an API sets the routes. Nobody reads a body. */
  #answerHealth(parser: HeadParser): void {
    const upload = unwantedBody(parser);
    const closes = this.#isLast(parser) || upload.state !== 'whole';
    this.#dropParser();
    this.#send(healthAnswer(this.#asked, closes));
    this.#answeredByUs(closes, upload);
  }

  get #asked(): Asked {
    return this.#head ?? nothingAsked;
  }

  /** Whether the answer to a request that Sluice answers itself is the last one of its connection. */
  #isLast(parser: HeadParser): boolean {
    return closesWith(parser) || this.#parts.endsKeepAlive() || this.#connection.isLast;
  }

  #receive(parser: HeadParser, visit: Visit): void {
    this.#turn = 'admission';
    this.#visit = visit;
    if (!this.#parts.reception.receive(visit, this)) return;
    // What the head stands in is read into again.
    parser.keep();
    this.#holding.bytes = parserBytes + parser.capacity;
  }

  #exchangeFor(visit: AdmittedVisit, head: RequestHead): void {
    const parser = this.#parser!;
    const { contentLength: length } = parser;
    const framing = requestFraming(parser);
    // A backend may be closing a connection that is there. And one that does not read a body, for whatever reason,
    // would take it for the next request.
    const repeats = framing === 'none' && idempotent.has(parser.method);
    const closes = closesWith(parser) || this.#connection.isLast;
    const { expects } = head;
    const route = this.#writeHead(visit, head, !repeats);
    this.#turn = 'exchange';
    this.#exchange = new Exchange(this.#parts, this, {
      visit,
      route,
      framing,
      length,
      expects,
      repeats,
      closes,
    });
    this.#exchange.begin();
  }

  #open(visit: AdmittedVisit, head: RequestHead): void {
    const route = this.#writeHead(visit, head, false);
    const { accept } = head;
    this.#turn = 'opening';
    this.#opening = new Opening(this.#parts, this, { visit, route, head: this.#parts.heads.copy(), accept });
    this.#opening.begin();
  }

  /** Writes the head for the upstream into the shared writer. Nobody reads the client's any more. Returns its route. */
  #writeHead(visit: AdmittedVisit, { sender, route, upgrades }: RequestHead, closes: boolean): EdgeRoute {
    const { changes } = visit;
    const { trusted } = sender.origination;
    const forwarding = sender.linesFor(route!, changes);
    this.#parts.heads.request(this.#parser!, { trusted, forwarding, closes, upgrades, changes });
    visit.dropHead();
    this.#dropParser();
    return route!;
  }

  /** Gives the connection to the careful lane. */
  #leave(parser: HeadParser, chunk: Buffer, end: number): void {
    const { bytes, start, end: read, position } = parser;
    const all = Buffer.concat([bytes.subarray(start, read), chunk.subarray(position, end)]);
    this.#turn = 'over';
    this.#dropParser();
    this.#connection.socket = this.line.leaveStream();
    this.#parts.careful.take(this.#connection, all);
  }

  /** Now comes the next request, if one may. */
  #next(): void {
    if (this.#connection.isLast) {
      this.#farewell();
      return;
    }
    this.#turn = 'head';
    this.#head = null;
    this.#connection.wait('another', this.#parts.keepAliveMs);
    this.#parts.resting.add(this.line);
    const held = this.#takeHeld();
    if (held !== null) this.read(held, 0, held.length, owned);
    if (this.#held === null && !this.#isOver) this.line.resume();
  }

  /** Refuses, and ends the connection. `upload` is the part that still belongs to the request, if that is known. */
  #refuse(refused: Refused, subject: Subject, upload: Upload | null): void {
    this.#parts.recorder.refused(subject, refused);
    this.#answer(asOfApi(refusalOf(null, refused), this.#parts.edge().hub), true, () => {
      if (upload?.state === 'open' && !this.#asked.expects) this.#awaitRest(upload, true);
      else this.#farewell();
    });
  }

  #awaitRest(upload: Upload, closes: boolean): void {
    upload.drop();
    this.#turn = 'rest';
    this.#rest = upload;
    this.#restIsLast = closes;
    this.#holding.bytes = upload.heldBytes;
    this.#connection.wait('end', restMs, () => this.#farewell());
    const held = this.#takeHeld();
    if (held !== null) this.read(held, 0, held.length, owned);
    this.line.resume();
  }

  /** Returns where in the chunk the rest of the request ends. */
  #readRest(upload: Upload, chunk: Buffer, start: number, end: number, keeper: Keeper | null): number {
    const before = upload.chunks;
    const position = upload.read(chunk, start, end, keeper, null);
    const { chunkBudget, memory } = this.#parts;
    if (!chunkBudget.spend(upload.chunks - before)) this.line.awaitRound(chunkBudget);
    this.#holding.bytes = upload.heldBytes;
    const isTooMuch = upload.heldBytes > 0 && memory.budget.pressed;
    if (upload.state === 'open' && !isTooMuch) return end;
    this.#rest = null;
    if (this.#restIsLast || upload.state !== 'whole') this.#farewell();
    else this.#next();
    return position;
  }

  /** Ends the connection behind our last word: what comes now means nothing. */
  #farewell(forMs = lingerMs): void {
    this.#turn = 'over';
    this.#rest = null;
    this.#dropParser();
    this.#takeHeld();
    this.line.writer.end();
    this.line.transport.lendNoMore();
    this.#parts.resting.add(this.line);
    this.#connection.wait('end', forMs);
    this.line.resume();
  }

  /** Keeps bytes for later, and stops reading when as many are held as may be. */
  #hold(chunk: Buffer, start: number, end: number): void {
    const { budget } = this.#parts.memory;
    this.#held ??= new HeldBytes();
    const before = this.#held.capacity;
    this.#held.append(chunk.subarray(start, end));
    budget.take(this.#held.capacity - before);
    const isOwed = this.#turn === 'owed';
    if (isOwed && this.#holdsTooMuch) {
      this.#farewell();
      return;
    }
    // The client's end is seen only behind what it has sent.
    if (isOwed || budget.pressed || this.#held.length >= mostHeldBytes) this.line.pause();
    else this.line.resume();
  }

  /** Throws away what is held of a body that nobody wants. */
  #skipHeld(upload: Upload): void {
    const held = upload.state === 'open' ? this.#takeHeld() : null;
    if (held === null) return;
    const position = upload.read(held, 0, held.length, owned, null);
    if (position < held.length) this.#hold(held, position, held.length);
  }

  #takeHeld(): Buffer | null {
    const held = this.#held;
    if (held === null) return null;
    this.#held = null;
    this.#parts.memory.budget.give(held.capacity);
    return held.take();
  }

  #dropParser(): void {
    this.#visit = null;
    this.#holding.bytes = 0;
    if (this.#parser === null) return;
    this.#parts.requests.give(this.#parser);
    this.#parser = null;
  }

  #release(): void {
    this.#turn = 'over';
    this.#dropParser();
    this.#takeHeld();
    this.#connection.release();
  }

  #record(refused: Refused): void {
    this.#parts.recorder.refused(this.#unknown(), refused);
  }

  /** What the beginning of a head says. */
  #partlyKnown(parser: HeadParser): Subject {
    const facts = readBeginning(parser, this.#origins, this.#parts.edge());
    return facts === null ? this.#unknown() : this.#parts.recorder.unrouted(facts);
  }

  #unknown(): Subject {
    return this.#parts.recorder.unknown(this.#connection.peer);
  }
}

/** Whether the client's connection ends with this request. */
function closesWith({ connection }: Head): boolean {
  return (connection & ConnectionOptions.close) !== 0;
}
