/** What a direction stands between: the connection that it reads, and the writer to the other one. */
import type { FrameSink } from './stage.ts';

/** The sender's connection, as far as a direction needs it. */
export interface ReadSide {
  /** The largest read, in bytes. */
  maxReadBytes: number;
  pause(): void;
  resume(): void;
  /** Drops the connection and what the kernel still holds for its peer, which sees a reset. */
  reset(): void;
}

/** The receiver's writer, as far as a direction needs it. */
export interface Outlet extends FrameSink {
  /** Whether the output stands between two frames. */
  readonly betweenFrames: boolean;
  /** Whether the kernel takes no more for now. */
  readonly blocked: boolean;
  /** Bytes that it has not accepted yet, those allocated for them, and the messages in them. */
  readonly bufferedBytes: number;
  readonly capacity: number;
  readonly queuedMessages: number;
  /** What waited when the connection went away, in bytes. */
  readonly undeliveredBytes: number;
}
