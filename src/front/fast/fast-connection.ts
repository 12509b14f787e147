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
import { type NamedUser, userOf } from '../../admission/identity.ts';
import { describePressure } from '../../admission/memory.ts';
import type { Refused } from '../../admission/verdict.ts';
import { Visit } from '../../admission/visit.ts';
import type { Route } from '../../config/types.ts';
import type { HeadFields } from '../../http/head-fields.ts';
import { handshakeLists } from '../../http/raw-fields.ts';
import { ConnectionOptions } from '../../http/wire/connection.ts';
import { requestFraming } from '../../http/wire/framing.ts';
import { type HeadParser, HeadProgress, maxHeadBytes, maxHeadLines, parserBytes } from '../../http/wire/head-parser.ts';
import type { RoundWaiter } from '../../relay/core/round-budget.ts';
import { ownBuffer } from '../../relay/memory/copy-buffers.ts';
import { type Keeper, owned } from '../../relay/memory/read-buffers.ts';
import { asksForWebSocket } from '../../websocket/validate.ts';
import { findRoute, refuseLongList } from '../arrival.ts';
import type { Connection } from '../connection.ts';
import type { EdgeRoute } from '../edge-route.ts';
import { asOfApi, pageBytes, type Refusal, refusalBytes, refusalOf } from '../errors.ts';
import { healthBody, healthPath } from '../health.ts';
import { HeldBytes, mostHeldBytes } from '../held-bytes.ts';
import type { AdmittedVisit, VisitHost } from '../reception.ts';
import type { Subject } from '../recorder.ts';
import { Exchange, type ExchangeClient } from './exchange.ts';
import { Line, type LineOwner } from './line.ts';
import { Opening } from './opening.ts';
import { type CameFrom, Origins } from './origins.ts';
import type { LaneParts } from './parts.ts';
import { bytesPerRequest } from './per-round.ts';
import { Upload } from './upload.ts';

/**
 * How long the bytes that a client still sends behind the last answer are read and thrown away. Closing before would
 * make the kernel send a reset, and the client would lose the answer that says what is wrong.
 */
const lingerMs = 2000;
/**
 * The same for the rest of a request, before the end of the connection is shown. It is longer, because many clients
 * read only when they have sent everything.
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

/** A request whose head is being judged, or has been. */
interface Arriving {
  readonly visit: Visit;
  readonly route: EdgeRoute;
  readonly sender: CameFrom;
}

/** What is known of a request before it is judged. */
interface Known {
  readonly route: EdgeRoute;
  readonly host: string;
  readonly target: string;
  readonly sender: CameFrom;
  /** Whether it is a handshake. */
  readonly upgrades: boolean;
}

export class FastConnection implements LineOwner, ExchangeClient, VisitHost, RoundWaiter {
  readonly line: Line;
  readonly #parts: LaneParts;
  readonly #connection: Connection;
  readonly #origins: Origins;
  #parser: HeadParser | null = null;
  #parserBytes = 0;
  /** Whose head the parser still has. */
  #arriving: Arriving | null = null;
  #exchange: Exchange | null = null;
  #opening: Opening | null = null;
  /** The body that is read and thrown away, and whether the connection ends behind it. */
  #rest: { readonly upload: Upload; readonly closes: boolean } | null = null;
  /** Read, and for later. */
  #held: HeldBytes | null = null;
  /** A read goes on. */
  #reading = false;
  /** An answer of ours waits for its client to read, or for a round of its own; nothing more is read before. */
  #owes = false;
  #over = false;
  /** A round in which the next request may begin: nobody waits for one, it is waited for, or it has come. */
  #turn: 'none' | 'awaited' | 'come' = 'none';
  /** The form of answers that the last request prefers: its `Accept`. */
  #accept: string | undefined;
  #method = '';
  #target = '';
  /** The answer is a page that another program is asked for. */
  #awaitsPage = false;
  #expects = false;

  constructor(parts: LaneParts, connection: Connection, bytes: Buffer) {
    this.#parts = parts;
    this.#connection = connection;
    this.#origins = new Origins(connection.peer);
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
    for (let at = start; at < end && !this.#over; ) {
      if (this.#rest !== null) {
        at = this.#readRest(chunk, at, end, keeper);
      } else if (this.#exchange?.takesBody) {
        at = this.#exchange.readBody(chunk, at, end, keeper);
      } else if (this.#isFree && this.#hasTurn()) {
        at = this.#readHead(chunk, at, end);
      } else {
        this.#hold(chunk, at, end);
        return;
      }
    }
  }

  /** Whether a head may be read: nothing is under way, and the answer before it has gone. */
  get #isFree(): boolean {
    if (this.#exchange !== null || this.#opening !== null || this.#arriving !== null) return false;
    return !this.#owes && !this.#awaitsPage && this.#turn !== 'awaited';
  }

  /**
   * Whether a request that begins here may be read in this round of the event loop. If not it waits for one, under way
   * already, and what has come of it is held.
   */
  #hasTurn(): boolean {
    if (this.#parser !== null) return true;
    const { byteBudget } = this.#parts;
    if (this.#turn === 'none' && (byteBudget.spent || byteBudget.crowded)) {
      this.#turn = 'awaited';
      this.#connection.work();
      byteBudget.wait(this);
      return false;
    }
    this.#turn = 'none';
    byteBudget.spend(bytesPerRequest);
    return true;
  }

  drained(): void {
    if (this.#owes) {
      this.#goOn();
      return;
    }
    this.#exchange?.clientDrained();
    this.#opening?.clientDrained();
  }

  ended(): void {
    if (this.#arriving !== null) this.#arriving.visit.leave();
    else if (this.#parser?.begun || this.#turn === 'awaited')
      this.#record({ outcome: 'client_gone', detail: 'the client left within a request' });
    this.#exchange?.clientGone();
    this.#opening?.clientGone();
    if (!this.#over) this.line.destroy();
  }

  gone(): void {
    this.#arriving?.visit.leave();
    this.#exchange?.clientGone();
    this.#opening?.clientGone();
    this.#release();
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
    const waits = this.#expects && !isWhole && upload.payloadBytes === 0;
    // A client that waits to be told to go on sends nothing.
    if (!isWhole && !waits) this.#awaitRest(upload, closes);
    else if (closes || waits) this.#farewell();
    else this.#next();
  }

  refuse(refusal: Refusal, closes: boolean, upload: Upload): void {
    this.#skipHeld(upload);
    const ends = closes || upload.state !== 'whole';
    this.#answer(refusal, ends, () => this.#answeredByUs(ends, upload));
  }

  /** Sends an answer of Sluice's own, or another program's page in its place; calls `sent` then. */
  #answer(refusal: Refusal, closes: boolean, sent: () => void): void {
    const framing = { closes, bodiless: this.#method === 'HEAD' };
    const pages = refusal.page === undefined ? null : this.#parts.pages();
    if (pages === null) {
      this.#send(refusalBytes(refusal, this.#accept, framing));
      sent();
      return;
    }
    this.#awaitsPage = true;
    pages
      .page(refusal.page!, this.#target)
      .then((page) => {
        this.#awaitsPage = false;
        if (this.#over) return;
        this.#send(page === null ? refusalBytes(refusal, this.#accept, framing) : pageBytes(refusal, page, framing));
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
    this.#owes = true;
    this.line.pause();
    this.#connection.wait('end', restMs);
    if (!this.line.writer.blocked) answerBudget.wait(this);
  }

  onRound(): void {
    if (this.#over) return;
    if (this.#turn === 'awaited') {
      this.#turn = 'come';
      this.readHeld();
    } else if (this.#owes && this.#holdsTooMuch) this.#farewell();
    else if (this.#owes) this.#goOn();
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
    if (this.line.writer.blocked) return;
    this.#owes = false;
    this.#next();
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
    const { route, sender } = this.#arriving!;
    if (visit.kind === 'websocket') this.#open(visit, route, sender);
    else this.#exchangeFor(visit, route, sender);
  }

  turnedAway(visit: Visit, refused: Refused): void {
    const parser = this.#parser!;
    const refusal = refusalOf(visit.route.route.name, refused);
    const closes = this.#isLast(parser);
    const upload = uploadOf(parser);
    this.#dropParser();
    if (visit.kind === 'websocket') this.turnedAwayWith(refusalBytes(refusal, this.#accept));
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
    this.#parser ??= this.#parts.requests.take();
    const parser = this.#parser;
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
    this.#count(parserBytes + parser.capacity);
    if (pressed) this.#refuse({ outcome: 'memory', detail: describePressure(budget) }, this.#unknown(), null);
    else if (this.#connection.waitsFor !== 'header') this.#waitForHeader();
  }

  #waitForHeader(): void {
    this.#connection.wait('header', this.#parts.headersMs(), () => {
      this.#refuse({ outcome: 'request_timeout', detail: 'the header did not come in time' }, this.#unknown(), null);
    });
  }

  /** Counts what is held of a head, or of trailers that nobody wants. */
  #count(bytes: number): void {
    this.#parts.memory.budget.take(bytes - this.#parserBytes);
    this.#parserBytes = bytes;
  }

  #begin(parser: HeadParser): void {
    this.#connection.work();
    const { edge, noteUntrusted, unrouted } = this.#parts;
    const host = parser.value(parser.hostLine);
    const target = parser.bytes.toString('latin1', parser.targetStart, parser.targetEnd);
    const sender = this.#origins.of(parser, host, edge());
    const { address, trusted } = sender.origination;
    this.#method = parser.method;
    this.#target = target;
    this.#accept = parser.acceptLine < 0 ? undefined : parser.value(parser.acceptLine);
    this.#expects = parser.expectLine >= 0 && parser.value(parser.expectLine).toLowerCase() === '100-continue';
    if (target === healthPath && edge().hub !== null) {
      this.#answerHealth(parser);
      return;
    }
    const upgrades = parser.upgrades && asksForWebSocket(parser);
    // The parser has counted the elements of all others.
    const route = (upgrades ? refuseLongList(parser, handshakeLists) : null) ?? findRoute(host, pathOf(target), edge());
    const routed = 'outcome' in route ? null : route;
    if (parser.forwards && !trusted) noteUntrusted(address, routed?.counters ?? unrouted());
    if (routed === null) {
      const upload = uploadOf(parser);
      this.#dropParser();
      const kind = upgrades ? 'websocket' : 'http';
      const subject = this.#parts.recorder.unrouted({ route: null, host, target, address }, kind);
      this.#refuse(route as Refused, subject, upload);
    } else {
      this.#receive(parser, { route: routed, host, target, sender, upgrades });
    }
  }

  /** Answers that Sluice lives, if an API sets the routes. Nobody reads a body. */
  #answerHealth(parser: HeadParser): void {
    const upload = uploadOf(parser);
    const closes = this.#isLast(parser) || upload.state !== 'whole';
    const lines = ['HTTP/1.1 200 OK', 'Content-Type: application/json', `Content-Length: ${healthBody.length}`];
    const head = [...lines, ...(closes ? ['Connection: close'] : []), '', ''].join('\r\n');
    this.#dropParser();
    this.#send(Buffer.from(this.#method === 'HEAD' ? head : head + healthBody));
    this.#answeredByUs(closes, upload);
  }

  /** Whether the answer to a request that Sluice answers itself is the last one of its connection. */
  #isLast(parser: HeadParser): boolean {
    return closesWith(parser) || this.#parts.endsKeepAlive() || this.#connection.isLast;
  }

  #receive(parser: HeadParser, { route, host, target, sender, upgrades }: Known): void {
    const { origination } = sender;
    const visit = new Visit({
      kind: upgrades ? 'websocket' : 'http',
      method: parser.method,
      httpVersion: '1.1',
      host,
      target,
      fields: parser,
      headerBytes: parser.end - parser.start,
      origination,
      peer: this.#connection.peer,
      route,
      ipv6Prefix: this.#parts.edge().ipv6Prefix,
      named: userIn(parser, route.route, origination.trusted, target),
    });
    this.#arriving = { visit, route, sender };
    if (!this.#parts.reception.receive(visit, this)) return;
    // What the head stands in is read into again.
    parser.keep();
    this.#count(parserBytes + parser.capacity);
  }

  #exchangeFor(visit: AdmittedVisit, route: EdgeRoute, sender: CameFrom): void {
    const { heads } = this.#parts;
    const parser = this.#parser!;
    const framing = requestFraming(parser);
    // A backend may not read a body, for whatever reason, and would take it for the next request.
    const closesUpstream = framing !== 'none';
    heads.request(parser, {
      trusted: sender.origination.trusted,
      forwarding: sender.linesFor(route, visit.changes),
      closes: closesUpstream,
      upgrades: false,
      changes: visit.changes,
    });
    const exchange = new Exchange(this.#parts, this, {
      visit,
      route,
      framing,
      length: parser.contentLength,
      expects: this.#expects,
      closesUpstream,
      closes: closesWith(parser) || this.#connection.isLast,
    });
    this.#dropParser();
    visit.dropHead();
    this.#exchange = exchange;
    exchange.begin();
  }

  #open(visit: AdmittedVisit, route: EdgeRoute, sender: CameFrom): void {
    const { heads } = this.#parts;
    heads.request(this.#parser!, {
      trusted: sender.origination.trusted,
      forwarding: sender.linesFor(route, visit.changes),
      closes: false,
      upgrades: true,
      changes: visit.changes,
    });
    visit.dropHead();
    this.#dropParser();
    this.#opening = new Opening(this.#parts, this, { visit, route, head: heads.copy(), accept: this.#accept });
    this.#opening.begin();
  }

  /** Gives the connection to the careful lane. */
  #leave(parser: HeadParser, chunk: Buffer, end: number): void {
    const { bytes, start, end: read, position } = parser;
    const all = Buffer.concat([bytes.subarray(start, read), chunk.subarray(position, end)]);
    this.#over = true;
    this.#dropParser();
    this.#connection.socket = this.line.leaveStream();
    this.#parts.careful.take(this.#connection, all);
  }

  /** Now comes the next request. */
  #next(): void {
    this.#accept = undefined;
    this.#method = '';
    this.#target = '';
    this.#expects = false;
    this.#connection.wait('another', this.#parts.keepAliveMs);
    this.#parts.resting.add(this.line);
    const held = this.#takeHeld();
    if (held !== null) this.read(held, 0, held.length, owned);
    if (this.#held === null && !this.#over) this.line.resume();
  }

  /** Refuses, and ends the connection. `upload` is the part that still belongs to the request, if that is known. */
  #refuse(refused: Refused, subject: Subject, upload: Upload | null): void {
    this.#parts.recorder.refused(subject, refused);
    const own = refusalOf(null, refused);
    this.#answer(this.#parts.edge().hub === null ? own : asOfApi(own), true, () => {
      if (upload?.state === 'open' && !this.#expects) this.#awaitRest(upload, true);
      else this.#farewell();
    });
  }

  #awaitRest(upload: Upload, closes: boolean): void {
    upload.drop();
    this.#rest = { upload, closes };
    this.#count(upload.heldBytes);
    this.#connection.wait('end', restMs, () => this.#farewell());
    const held = this.#takeHeld();
    if (held !== null) this.read(held, 0, held.length, owned);
    this.line.resume();
  }

  /** Returns where in the chunk the rest of the request ends. */
  #readRest(chunk: Buffer, start: number, end: number, keeper: Keeper | null): number {
    const { upload, closes } = this.#rest!;
    const before = upload.chunks;
    const position = upload.read(chunk, start, end, keeper, null);
    const { chunkBudget, memory } = this.#parts;
    if (!chunkBudget.spend(upload.chunks - before)) this.line.awaitRound(chunkBudget);
    this.#count(upload.heldBytes);
    const isTooMuch = upload.heldBytes > 0 && memory.budget.pressed;
    if (upload.state === 'open' && !isTooMuch) return end;
    this.#rest = null;
    if (closes || upload.state !== 'whole') this.#farewell();
    else this.#next();
    return position;
  }

  /** Ends the connection behind our last word: what comes now means nothing. */
  #farewell(): void {
    this.#over = true;
    this.#owes = false;
    this.#rest = null;
    this.#dropParser();
    this.#takeHeld();
    this.line.writer.end();
    this.line.transport.lendNoMore();
    this.#parts.resting.add(this.line);
    this.#connection.wait('end', lingerMs);
    this.line.resume();
  }

  /** Keeps bytes for later, and stops reading when as many are held as may be. */
  #hold(chunk: Buffer, start: number, end: number): void {
    const { budget } = this.#parts.memory;
    this.#held ??= new HeldBytes();
    const before = this.#held.capacity;
    this.#held.append(chunk.subarray(start, end));
    budget.take(this.#held.capacity - before);
    if (this.#owes && this.#holdsTooMuch) {
      this.#farewell();
      return;
    }
    // The client's end is seen only behind what it has sent.
    if (this.#owes || budget.pressed || this.#held.length >= mostHeldBytes) this.line.pause();
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
    this.#arriving = null;
    this.#count(0);
    if (this.#parser === null) return;
    this.#parts.requests.give(this.#parser);
    this.#parser = null;
  }

  #release(): void {
    this.#over = true;
    this.#dropParser();
    this.#takeHeld();
    this.#connection.release();
  }

  #record(refused: Refused): void {
    this.#parts.recorder.refused(this.#unknown(), refused);
  }

  /** What the beginning of a head that is too large says: mostly whose cookies they are. */
  #partlyKnown(parser: HeadParser): Subject {
    if (parser.lines === 0) return this.#unknown();
    const host = parser.hostLine < 0 ? undefined : parser.value(parser.hostLine);
    const target = parser.bytes.toString('latin1', parser.targetStart, parser.targetEnd);
    const { address } = this.#origins.of(parser, host ?? '', this.#parts.edge()).origination;
    return this.#parts.recorder.unrouted({ route: null, host, target, address });
  }

  #unknown(): Subject {
    return this.#parts.recorder.unknown(this.#connection.peer);
  }
}

/** Whether the client's connection ends with this request. */
function closesWith(parser: HeadParser): boolean {
  return (parser.connection & ConnectionOptions.close) !== 0;
}

/** The body of a request that nobody wants. */
function uploadOf(parser: HeadParser): Upload {
  return new Upload(requestFraming(parser), parser.contentLength, Number.POSITIVE_INFINITY);
}

/** The user that the request names. Most routes do not ask for one. */
function userIn(fields: HeadFields, { identity }: Route, trusted: boolean, target: string): NamedUser | undefined {
  return identity === null ? undefined : userOf(identity, { headers: fields.pairs(), trusted, path: pathOf(target) });
}

function pathOf(target: string): string {
  const queryAt = target.indexOf('?');
  return queryAt < 0 ? target : target.slice(0, queryAt);
}
