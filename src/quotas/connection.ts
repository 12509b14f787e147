/**
 * One connection to a store: commands go out as they come, answers are matched to them in their order. Whoever asks
 * gets an answer, or `null` when the connection has broken, which it does where an answer is late, is no answer, or was
 * not asked for.
 */
import type { Socket } from 'node:net';
import { contain } from '../mistakes.ts';
import { encodeCommand, type Reply, ReplyReader } from './resp.ts';

/** Each takes about 1 KB until it is answered. */
const mostWaiting = 4096;
/** A goodbye is not waited for longer. */
const goodbyeMs = 250;

interface Asked {
  readonly atMs: number;
  readonly answer: (reply: Reply | null) => void;
}

export interface ConnectionParts {
  readonly socket: Socket;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Called once, and not after `close`. */
  readonly broken: (problem: string) => void;
}

export class StoreConnection {
  readonly #parts: ConnectionParts;
  readonly #reader = new ReplyReader();
  /** Those who wait, in the order in which they have asked; answered ones stand before `#first`. */
  #asked: Asked[] = [];
  #first = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket } = parts;
    socket.on('data', (bytes: Buffer) => {
      contain(
        () => this.#read(bytes),
        () => this.#break('Sluice failed to read what it says'),
      );
    });
    socket.on('error', (error: Error) => this.#break(error.message));
    socket.on('close', () => this.#break('it has closed the connection'));
  }

  /** Whether one more may ask. */
  get hasRoom(): boolean {
    return this.#asked.length - this.#first < mostWaiting;
  }

  /** Asks; an answer that does not come breaks the connection, and then it is `null`. */
  ask(command: readonly (string | number)[]): Promise<Reply | null> {
    if (this.#isOver) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<Reply | null>();
    this.#asked.push({ atMs: performance.now(), answer: resolve });
    this.#parts.socket.write(encodeCommand(command));
    this.#timer ??= setTimeout(this.#look, this.#parts.timeoutMs);
    return promise;
  }

  /** Ends it once what was said has been sent. */
  close(): void {
    if (!this.#end()) return;
    const { socket } = this.#parts;
    socket.resume();
    socket.end();
    const cut = setTimeout(() => socket.destroy(), goodbyeMs);
    socket.once('close', () => clearTimeout(cut));
  }

  #read(bytes: Buffer): void {
    if (this.#isOver) return;
    const { replies, problem } = this.#reader.read(bytes);
    for (const reply of replies) {
      const asked = this.#asked[this.#first];
      if (asked === undefined) {
        this.#break('it says something that nobody has asked for');
        return;
      }
      this.#first++;
      asked.answer(reply);
    }
    if (this.#first === this.#asked.length || this.#first > 1024) {
      this.#asked.splice(0, this.#first);
      this.#first = 0;
    }
    if (problem !== null) this.#break(problem);
  }

  /**
   * Looks whether the oldest answer is late. Timers come before what has been received: where this thread itself was
   * late, the answer is read first.
   */
  readonly #look = (): void => {
    const { timeoutMs } = this.#parts;
    const oldest = this.#asked[this.#first];
    const leftMs = oldest === undefined ? 0 : oldest.atMs + timeoutMs - performance.now();
    if (oldest === undefined) this.#timer = undefined;
    else if (leftMs > 1) this.#timer = setTimeout(this.#look, leftMs);
    else
      setImmediate(() => {
        if (this.#asked[this.#first] === oldest) this.#break(`no answer within ${timeoutMs} ms`);
        else this.#look();
      });
  };

  #break(problem: string): void {
    if (!this.#end()) return;
    this.#parts.socket.destroy();
    this.#parts.broken(problem);
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const waiting = this.#asked.slice(this.#first);
    this.#asked = [];
    this.#first = 0;
    for (const { answer } of waiting) answer(null);
    return true;
  }
}
