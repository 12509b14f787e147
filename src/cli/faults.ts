/**
 * What Node itself would write to standard error, in a way that stops the process where nobody reads that: an
 * exception that nobody caught, and its warnings. Here they become lines of the log.
 */

import { surviveMistakes } from '../mistakes.ts';
import { clean } from '../observe/log/clean.ts';
import type { Log } from '../observe/log/log.ts';

/** Takes leave of everybody; called when a mistake ends the process. */
export type Leave = () => Promise<unknown>;

/** How long taking leave may last. */
const mostMs = 3000;

/**
 * Does a process's work, and logs warnings meanwhile. Resolves with the exit code: that of the work, or 1 when a
 * mistake has ended it, which is logged. Without that a process whose start has failed would live on, and serve nobody.
 *
 * Nobody knows what else is wrong behind an exception that nobody caught, so the process does not go on. Those who are
 * connected hear of it: the work says how, by `leavesBy`, when it has somebody to take leave of. A second mistake
 * meanwhile ends it at once.
 */
export function workUntilFault(log: Log, work: (leavesBy: (leave: Leave) => void) => Promise<number>): Promise<number> {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    log.tell('node_warning', { name, detail: clean(message) });
  });
  surviveMistakes((error) => log.tell('connection_bug', { err: error }));
  return new Promise((resolve) => {
    let leave: Leave | null = null;
    let hasCrashed = false;
    const crashed = (error: unknown) => {
      log.tell('crashed', { err: error });
      const isLeaving = hasCrashed;
      hasCrashed = true;
      if (leave === null || isLeaving) {
        resolve(1);
        return;
      }
      setTimeout(resolve, mostMs, 1);
      leave().then(() => resolve(1), crashed);
    };
    process.on('uncaughtException', crashed);
    const leavesBy = (how: Leave) => {
      leave = how;
    };
    work(leavesBy).then((code) => resolve(hasCrashed ? 1 : code), crashed);
  });
}
