/**
 * What Node itself would write to standard error, in a way that stops the process where nobody reads that: an
 * exception that nobody caught, and its warnings. Here they become lines of the log.
 */

import { surviveMistakes } from '../mistakes.ts';
import { clean } from '../observe/log/clean.ts';
import type { Log } from '../observe/log/log.ts';

/**
 * Does a process's work, and logs warnings meanwhile. Resolves with the exit code: that of the work, or 1 when a
 * mistake has ended it, which is logged. Without that a process whose start has failed would live on, and serve nobody.
 */
export function workUntilFault(log: Log, work: () => Promise<number>): Promise<number> {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    log.tell('node_warning', { name, detail: clean(message) });
  });
  surviveMistakes((error) => log.tell('connection_bug', { err: error }));
  return new Promise((resolve) => {
    const crashed = (error: unknown) => {
      log.tell('crashed', { err: error });
      resolve(1);
    };
    process.on('uncaughtException', crashed);
    work().then(resolve, crashed);
  });
}
