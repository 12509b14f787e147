/**
 * The thread that reads the kernel's tables when it is asked to. The kernel gives 4 KB a read, so that a table of 20 000
 * rows takes 800 reads. Beside the event loop each would be a trip through it, several seconds on a busy one.
 */
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { rowsOf } from './kernel-tables.ts';
import type { Reading } from './table-reader.ts';

parentPort!.on('message', () => {
  const started = performance.now();
  const rows = rowsOf(textOf('/proc/self/net/tcp'), textOf('/proc/self/net/tcp6'));
  const reading: Reading = { rows, tookMs: performance.now() - started };
  parentPort!.postMessage(reading, [rows.buffer as ArrayBuffer]);
});

/** Empty on other systems, without IPv6, and while no file can be opened. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
