/**
 * Loaded into a Sluice by `--import`: what its thread itself does, whatever else keeps the machine busy. At SIGUSR2 it
 * says, as a line of the log, how much CPU time the longest turn of the event loop has taken since the last time, and
 * what the heap holds after a collection.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let longest = 0;
let last = process.threadCpuUsage();

function turn(): void {
  const { user, system } = process.threadCpuUsage(last);
  longest = Math.max(longest, (user + system) / 1000);
  last = process.threadCpuUsage();
  setTimeout(turn, 0).unref();
}

turn();
process.on('SIGUSR2', () => {
  const longest_turn_ms = longest;
  for (let i = 0; i < 3; i++) collect();
  console.log(JSON.stringify({ event: 'turns', longest_turn_ms, heap_bytes: process.memoryUsage().heapUsed }));
  longest = 0;
  last = process.threadCpuUsage();
});
