/**
 * The process's standard output as an outlet. No write to it may ever stop the thread that relays, so how it is
 * written to depends on what it is.
 *
 *   pipe, FIFO, socket   Node writes what fits and waits for the rest by events; a reader that is gone may come back
 *   terminal             Node would wait in write(2) for one that was stopped (Ctrl+S, a console that nobody reads),
 *                        so it is opened anew for writes that do not wait
 *   file, device         a write that waits (NFS) waits on a thread beside; there is never more than one
 */
import { constants, fstatSync, openSync, write } from 'node:fs';
import { isatty } from 'node:tty';
import type { LogOutlet } from './sink.ts';

const standardOutput = 1;
/** How soon a terminal that takes nothing is tried again. */
const retryMs = 50;

/** An outlet for standard output, whatever that is. */
export function openStandardOutput(): LogOutlet {
  if (isatty(standardOutput)) return descriptorOutlet(openTerminal());
  const kind = fstatSync(standardOutput);
  return kind.isFIFO() || kind.isSocket() ? pipeOutlet(process.stdout) : descriptorOutlet(standardOutput);
}

/** Writes to a stream that outlives its errors, as `process.stdout` does. */
function pipeOutlet(stream: NodeJS.WriteStream): LogOutlet {
  stream.on('error', () => {});
  // How much of a chunk a reader took before it left is not known, and concerns nobody.
  return (chunk, done) => stream.write(chunk, (error) => done(error ? 0 : null));
}

/** Writes to a file descriptor, beside this thread. */
export function descriptorOutlet(descriptor: number): LogOutlet {
  return (chunk, done) => {
    const from = (offset: number) =>
      write(descriptor, chunk, offset, chunk.length - offset, null, (error, written) => {
        if (error?.code === 'EAGAIN') setTimeout(from, retryMs, offset);
        else if (error) done(offset);
        else if (offset + written < chunk.length) from(offset + written);
        else done(null);
      });
    from(0);
  };
}

/** A terminal whose writes fail where they would wait; the one that there is, where another user owns it. */
function openTerminal(): number {
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return standardOutput;
  }
}
