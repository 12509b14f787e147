/**
 * The part of Node below `net.Socket`: what a handle's last read and write came to is in a shared array, not in a
 * return value. None of it is documented by Node. It is looked up here and used by `output.ts` and `socket-reader.ts`,
 * which are tested on every Node version that Sluice supports and do without it where it is missing.
 */

/** Keeps what a write needs while it goes on. */
export interface WriteRequest {
  oncomplete: ((status: number) => void) | null;
  /** Keeps the bytes alive while the write goes on. */
  buffer: Buffer | null;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  /** Where in the state stands whether the last write goes on. */
  readonly kLastWriteWasAsync: number;
  /** Where in the state stands how many bytes were read, or why none were. */
  readonly kReadBytesOrError: number;
}

/** `null` where any part of it is missing. */
export const streamBinding = findBinding();

function findBinding(): StreamBinding | null {
  try {
    const { binding: find } = process as unknown as { binding(name: string): Partial<StreamBinding> };
    const { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } = find('stream_wrap');
    const usable =
      typeof WriteWrap === 'function' &&
      streamBaseState instanceof Int32Array &&
      typeof kLastWriteWasAsync === 'number' &&
      typeof kReadBytesOrError === 'number';
    // Copied, because the binding itself is no object that V8 makes fast.
    return usable ? { WriteWrap, streamBaseState, kLastWriteWasAsync, kReadBytesOrError } : null;
  } catch {
    return null;
  }
}
