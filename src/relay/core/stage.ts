/**
 * A stage stands between a direction's parser and the other leg's writer. It sees each data frame and passes it on, at
 * once or when the message is whole. It may pass on another length than came, so that a stage can inflate or
 * re-fragment.
 */
import type { Violation } from '../../observe/report.ts';
import type { FrameParser } from '../../websocket/frame-parser.ts';
import { type Keeper, owned } from '../memory/read-buffers.ts';

/** Where a stage puts the frames it passes on. */
export interface FrameSink {
  /** The next bytes begin a frame. */
  beginFrame(): void;
  /** Bytes of the frame, header or payload. `keeper` is `null` where they must be copied before this read ends. */
  append(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void;
  /** The frame is complete; `endsMessage` if it was its message's last. */
  endFrame(endsMessage: boolean): void;
  /** Writes or queues what has been appended. Its buffer may be used again when this returns. */
  flush(): void;
}

/** What a stage found in a message. With `action: close` nothing more of its sender is passed on. */
export interface Finding {
  readonly violation: Violation;
  /** The text that the sender is answered; `null` for none. */
  readonly answer: Buffer | null;
}

export interface Stage {
  /** The frame whose header `parser` has just read begins. */
  begin(parser: FrameParser, keeper: Keeper | null, out: FrameSink): Finding | null;
  /** Payload bytes of that frame stand in the parser's span. */
  payload(parser: FrameParser, keeper: Keeper | null, out: FrameSink): void;
  /** That frame is complete. */
  end(parser: FrameParser, out: FrameSink): Finding | null;
  /** Bytes that wait for the end of their message, and bytes allocated for them. */
  readonly heldBytes: number;
  readonly capacity: number;
  /** Nobody will get what is held. */
  drop(): void;
}

/** Passes every frame on as it came. A client's frame is masked already, and the upstream wants it masked. */
export const verbatim: Stage = {
  heldBytes: 0,
  capacity: 0,
  drop() {},
  begin(parser, keeper, out) {
    out.beginFrame();
    const { header, headerStart, headerEnd } = parser;
    if (header === parser.chunk) {
      out.append(header, headerStart, headerEnd, keeper);
    } else {
      // The header was split between reads. It stands in a buffer of the parser's that the next split header
      // overwrites, perhaps in this very read.
      const copy = Buffer.allocUnsafeSlow(headerEnd - headerStart);
      header.copy(copy, 0, headerStart, headerEnd);
      out.append(copy, 0, copy.length, owned);
    }
    return null;
  },
  payload(parser, keeper, out) {
    out.append(parser.chunk, parser.spanStart, parser.spanEnd, keeper);
  },
  end(parser, out) {
    out.endFrame(parser.fin);
    return null;
  },
};
