/** The time of this machine. */
// The global `performance` is a getter, which takes as long as the clock itself, and every message asks.
import { performance } from 'node:perf_hooks';
import { contain } from '../mistakes.ts';
import type { Clock } from './core/clock.ts';

export const systemClock: Clock = {
  now: () => performance.now(),
  // What has arrived by then is read first: a process that was stopped, or that had no core, would give peers up for
  // words that lie unread in the kernel.
  after(ms, call) {
    let behind: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      behind = setImmediate(() => contain(call, () => {}));
    }, ms);
    return {
      cancel() {
        clearTimeout(timer);
        clearImmediate(behind);
      },
    };
  },
};
