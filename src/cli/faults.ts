/**
 * What Node itself would write to standard error, in a way that stops the process where nobody reads that: an
 * exception that nobody caught, and its warnings. Here they become lines of the log.
 */

import { clean } from '../observe/log/clean.ts';
import type { Log } from '../observe/log/log.ts';

/**
 * Logs warnings from now on. Resolves with the exit code when an exception has ended the process's work, and logs it.
 */
export function followFaults(log: Log): Promise<number> {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    log.tell('node_warning', { name, detail: clean(message) });
  });
  return new Promise((resolve) => {
    process.on('uncaughtException', (error) => {
      log.tell('crashed', { err: error });
      resolve(1);
    });
  });
}
