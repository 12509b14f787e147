/**
 * Threads that come before all others of the machine, where it lets them: then a time of day says what they do to each
 * other, and nothing of whatever else there is to do.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';

/** Lets them come before all that come by a lower level, or by none. */
function comeFirst(threads: readonly string[], level: 1 | 2): void {
  for (const thread of threads) spawnSync('chrt', ['--rr', '--pid', String(level), thread]);
}

/** All threads that a process has now. */
export function processFirst(pid: number, level: 1 | 2): void {
  comeFirst(readdirSync(`/proc/${pid}/task`), level);
}

/** The thread that calls this. */
export function threadFirst(level: 1 | 2): void {
  comeFirst([readlinkSync('/proc/thread-self').replace(/.*\//, '')], level);
}
