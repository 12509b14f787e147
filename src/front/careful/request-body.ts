/**
 * The body of a request on its way to Node's parser, which never gets a byte behind its end. One with a length ends by
 * count. In one of chunks the end is looked for, and what the parser makes of the chunks in a piece is joined.
 */
import type { IncomingMessage } from 'node:http';
import { ChunkedEnd } from '../../http/message-end.ts';
import { JoinedBody } from './joined-body.ts';
import type { PieceSize } from './piece-size.ts';

export interface RequestBody {
  /** Behind the last piece: more is to come, it is whole, or what came is no chunk. */
  readonly state: 'open' | 'whole' | 'broken';
  /** Chunks that have begun in the last piece. */
  readonly chunks: number;
  /** What has come of its trailers, in bytes: the parser keeps them. */
  readonly trailerBytes: number;
  /** How many of the bytes that have come next are the next piece. */
  next(held: Buffer): number;
  /** Call it when the parser has taken the piece. */
  passOn(): void;
}

/** The body behind a head that the parser has taken, so its framing is known. `stop` is called when nobody takes it. */
export function bodyOf(req: IncomingMessage, pieceSize: PieceSize, stop: () => void): RequestBody {
  const { headers } = req;
  if (headers['transfer-encoding'] === undefined) return new CountedBody(Number(headers['content-length'] ?? 0));
  return new ChunkedBody(new JoinedBody(req, stop), pieceSize);
}

class CountedBody implements RequestBody {
  readonly chunks = 0;
  readonly trailerBytes = 0;
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get state(): RequestBody['state'] {
    return this.#left === 0 ? 'whole' : 'open';
  }

  next({ length }: Buffer): number {
    const bytes = Math.min(this.#left, length);
    this.#left -= bytes;
    return bytes;
  }

  passOn(): void {}
}

class ChunkedBody implements RequestBody {
  state: RequestBody['state'] = 'open';
  chunks = 0;
  readonly #joined: JoinedBody;
  readonly #pieceSize: PieceSize;
  readonly #end = new ChunkedEnd();

  constructor(joined: JoinedBody, pieceSize: PieceSize) {
    this.#joined = joined;
    this.#pieceSize = pieceSize;
  }

  get trailerBytes(): number {
    return this.#end.trailerBytes;
  }

  next(held: Buffer): number {
    const before = this.#end.chunks;
    const piece = held.subarray(0, this.#pieceSize.bytes);
    const end = this.#end.find(piece, 0);
    this.chunks = this.#end.chunks - before;
    this.#pieceSize.adapt(this.chunks);
    if (end < 0) return piece.length;
    this.state = this.#end.broken ? 'broken' : 'whole';
    return end;
  }

  passOn(): void {
    this.#joined.passOn();
  }
}
