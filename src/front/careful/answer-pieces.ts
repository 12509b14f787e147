/**
 * What an upstream answers, for Node's parser in pieces (see piece-size.ts). A round of the event loop has 32 reads of
 * each connection, so it has a budget of chunks and bytes, too.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Holding } from '../../admission/memory.ts';
import type { RoundBudget, RoundWaiter } from '../../relay/core/round-budget.ts';
import { freeBuffer } from '../../relay/memory/copy-buffers.ts';
import { JoinedBody } from './joined-body.ts';
import { costOf, PieceSize } from './piece-size.ts';

/** The first piece, in bytes: most answers are smaller. */
const firstPiece = 4096;

type OnData = (chunk: Buffer) => void;

/** What Node's client keeps on a socket. */
interface ClientSocket extends Socket {
  /** Who parses the answer; gone when that is whole. */
  parser?: object | null;
  /** It is not read on, whatever the answer's reader asks for. */
  _paused?: boolean;
}

export class AnswerPieces implements RoundWaiter {
  readonly #socket: ClientSocket;
  readonly #budget: RoundBudget;
  readonly #parse: OnData;
  readonly #onData: OnData = (chunk) => this.#take(chunk);
  readonly #end = () => this.#stop();
  readonly #pieceSize = new PieceSize(firstPiece);
  /** What the parser has and says nothing of: a head in part, or trailers. */
  readonly #unsaid: Holding;
  #answer: IncomingMessage | null = null;
  #body: JoinedBody | null = null;
  /** A chunk whose rest has been put back. */
  #whole: Buffer | null = null;
  /** Informational answers in the present piece: each is an event, too. */
  #interim = 0;
  /** The head was whole in the present piece. */
  #begun = false;
  #over = false;
  #released = false;

  /**
   * Stands between the socket of a request and the parser that Node's client has just put on it, until that lets go of
   * it.
   */
  static between(request: ClientRequest, budget: RoundBudget, unsaid: Holding): AnswerPieces | null {
    const socket = request.socket!;
    const [parse, ...others] = socket.listeners('data');
    if (parse === undefined || others.length > 0) return null;
    const pieces = new AnswerPieces(socket, budget, unsaid, parse as OnData);
    request.on('information', () => {
      pieces.#interim++;
    });
    return pieces;
  }

  private constructor(socket: ClientSocket, budget: RoundBudget, unsaid: Holding, parse: OnData) {
    this.#socket = socket;
    this.#budget = budget;
    this.#unsaid = unsaid;
    this.#parse = parse;
    socket.off('data', parse).on('data', this.#onData);
    // Before whoever lends the connection to the next.
    socket.prependListener('free', this.#end).prependListener('close', this.#end);
  }

  /** Joins and counts the chunks of an answer, from its head on, which counts where it is kept. */
  join(answer: IncomingMessage): void {
    this.#begun = true;
    this.#answer = answer;
    this.#body = new JoinedBody(answer, () => this.#socket.pause());
  }

  /** Another protocol follows the head. Whoever reads the socket next finds in it what was read behind that. */
  release(): void {
    this.#released = true;
    this.#letGo();
  }

  onRound(): void {
    if (this.#over) return;
    this.#socket._paused = false;
    // Where its reader takes nothing, Node reads on when that one does.
    if (!this.#isFull) this.#socket.resume();
  }

  get #isFull(): boolean {
    return this.#answer !== null && this.#answer.readableLength >= this.#answer.readableHighWaterMark;
  }

  reset(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const socket = this.#socket;
    const whole = this.#whole?.buffer === chunk.buffer ? this.#whole : chunk;
    for (let at = 0; at < chunk.length; ) {
      if (socket.isPaused()) {
        // The end that may be read meanwhile is told behind it.
        socket.unshift(chunk.subarray(at));
        this.#whole = whole;
        return;
      }
      const piece = chunk.subarray(at, at + this.#pieceSize.bytes);
      at += piece.length;
      this.#parse.call(socket, piece);
      const chunks = (this.#body?.passOn() ?? 0) + this.#interim;
      this.#interim = 0;
      if (!this.#over) this.#unsaid.bytes = chunks > 0 || this.#begun ? 0 : this.#unsaid.bytes + piece.length;
      this.#begun = false;
      if (this.#released && at < chunk.length) socket.unshift(chunk.subarray(at));
      if (this.#over) return;
      if (socket.parser === null && at < chunk.length) {
        // Behind its answer an upstream has nothing to say.
        socket.destroy();
        return;
      }
      this.#pieceSize.adapt(chunks);
      if (!this.#budget.spend(costOf(piece.length, chunks))) this.#awaitRound();
    }
    this.#whole = null;
    // Node's parser has copied what it passes on.
    freeBuffer(whole);
  }

  #awaitRound(): void {
    this.#socket._paused = true;
    this.#socket.pause();
    this.#budget.wait(this);
  }

  #stop(): void {
    this.#letGo();
    if (this.#socket.readableLength > 0) this.#socket.destroy();
  }

  #letGo(): void {
    const socket = this.#socket;
    this.#over = true;
    this.#unsaid.bytes = 0;
    socket._paused = false;
    socket.off('data', this.#onData).off('free', this.#end).off('close', this.#end);
  }
}
