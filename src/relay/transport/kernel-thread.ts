/**
 * The thread that reads the kernel's tables when it is asked to. The kernel gives 4 KB for each read, so a table of 20
 * 000 rows takes 800 reads. In the main thread each of them would wait for the event loop, which takes several seconds
 * in all when that is busy.
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
