/**
 * The stream that Node's HTTP client takes for its connection to an upstream. It hands on what is read of a line, and
 * writes to it. Node's own socket destroys itself at the first failed write, with the answer unread in it: a server
 * that answers before it has read the body, and closes, would look as if it had said nothing. This stream throws away
 * what cannot be written, delivers what was read before the end, and says by reading how the connection ended.
 */
import { Duplex } from 'node:stream';
import { copyBytes, freeBuffer, joinBuffers } from '../../relay/memory/copy-buffers.ts';
import { lowMark } from '../../relay/transport/low-marks.ts';
import type { PoolLease } from '../../upstream/pool.ts';
import type { LineOwner } from '../fast/line.ts';
import type { UpstreamLine, UpstreamLines } from '../fast/upstream-line.ts';

type Written = (error?: Error | null) => void;

export class UpstreamStream extends Duplex {
  /**
   * Whether a reset ends the answer. An upstream that did not want the body answers up to the end of the connection. If
   * it closes with some of the body unread, its kernel resets the connection, and that is all the end there is.
   */
  endsByReset = false;
  readonly #lines: UpstreamLines;
  /** `null` once the connection is given back or closed. */
  #line: UpstreamLine | null;
  /** The kernel has not taken this write. */
  #written: Written | null = null;
  #writing: Buffer | null = null;
  /** What broke it, while something that came before has not been taken. */
  #failure: Error | null = null;

  constructor(lines: UpstreamLines, lease: PoolLease) {
    super({ allowHalfOpen: true, emitClose: false, readableHighWaterMark: lowMark, writableHighWaterMark: lowMark });
    this.#lines = lines;
    this.#line = lines.take(lease, this.#owner());
    // Node keeps what it is handed, so all of it is copied.
    this.#line.transport.lendNoMore();
    // A backend whose machine is gone says nothing; a long poll would wait for it until `http.inactivity`.
    this.#line.transport.last();
    // Node's client listens for errors until it has taken the whole answer. What breaks behind that concerns nobody.
    this.on('error', () => {});
    // Node says `free` when the answer is whole, the request is sent, and nothing is left to read; also where the
    // request was destroyed before it had begun.
    this.once('free', () => this.#giveBack());
  }

  /** What the line tells. */
  #owner(): LineOwner {
    return {
      read: (chunk, start, end) => {
        if (!this.push(copyBytes(chunk, start, end))) this.#line?.pause();
      },
      drained: () => this.#onWritten(),
      ended: () => this.push(null),
      gone: () => this.#gone(),
    };
  }

  /** What Node calls behind an answer that is the last one. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override read(size?: number): unknown {
    const chunk = super.read(size);
    this.#failWhenRead();
    return chunk;
  }

  override _read(): void {
    this.#line?.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Written): void {
    const line = this.#line;
    if (line === null || line.gone) {
      done();
      return;
    }
    line.send(bytes, 0, bytes.length);
    if (line.writer.blocked) {
      this.#written = done;
      this.#writing = bytes;
    } else {
      done();
      freeBuffer(bytes);
    }
  }

  override _writev(pieces: { chunk: Buffer; encoding: BufferEncoding }[], done: Written): void {
    const chunks = pieces.map(({ chunk }) => chunk);
    this._write(joinBuffers(chunks), 'buffer' as BufferEncoding, done);
  }

  override _destroy(error: Error | null, done: Written): void {
    const line = this.#line;
    this.#line = null;
    line?.discard();
    done(error);
    // A socket does the same, so that whoever waits for the error by a promise hears of it first.
    setImmediate(() => this.emit('close'));
  }

  #gone(): void {
    const line = this.#line!;
    this.#writing = null;
    this.#onWritten();
    if (line.finished) return;
    this.#failure = line.error ?? Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    this.#failWhenRead();
  }

  #onWritten(): void {
    const written = this.#written;
    const writing = this.#writing;
    this.#written = null;
    this.#writing = null;
    written?.();
    if (writing !== null) freeBuffer(writing);
  }

  #giveBack(): void {
    const line = this.#line;
    if (line === null || line.gone || line.finished || line.writer.blocked || this.readableLength > 0) {
      this.destroy();
      return;
    }
    this.#line = null;
    line.transport.lendAgain();
    this.#lines.giveBack(line);
  }

  /** Emits a failure behind everything that was read before it. */
  #failWhenRead(): void {
    const failure = this.#failure;
    if (failure === null || this.readableLength > 0) return;
    this.#failure = null;
    if (this.endsByReset) this.push(null);
    else this.destroy(failure);
  }
}
