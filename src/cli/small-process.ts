/**
 * What a process must be started with to stay small: a bound for V8's young generation, one helper for V8, and one
 * arena for `malloc`.
 *
 * V8 lets garbage of short life grow to three times a bound before it looks at it. The bound is 32 MiB unless the
 * process is started with another. Measured with that, and with 8 MiB beside a heap that grows slowly
 * (compact-heap.ts): 3 000 to 5 000 refused requests a second make the process 147 MiB larger, of which nothing is in
 * use; 12 000 make it 36 to 41 MiB larger, and take no more CPU.
 *
 * V8 has four threads that compile and collect beside the program. On one core they take turns with it, and each has
 * its slice before the program goes on. Measured with a class of 200 pages on one core: the program waited 2.2 s of
 * 7.8, up to 26 ms in one piece, and the 99th percentile of an echo beside it was 48 to 128 ms; with one such thread 39
 * to 55, and the same CPU.
 *
 * glibc gives each thread a part of memory of its own, and what a thread has freed nobody else gets, not even when the
 * thread has ended, as the one that compares passwords does. All of Sluice's work is done by one thread. Measured over
 * 10 000 refused handshakes of every kind of credentials: with one part for all the process is 12 MB smaller at the
 * start, 22 MB at the peak and 26 MB a minute later, and takes no more CPU.
 */

/** Those of V8 and Node, each with what it is known by where it was given. */
const options = [
  { flag: '--max-semi-space-size=8', given: /--max[-_]semi[-_]space[-_]size/ },
  { flag: '--v8-pool-size=1', given: /--v8[-_]pool[-_]size/ },
];
const arenas = 'MALLOC_ARENA_MAX';

/**
 * Begins the process anew with what is missing of them, under the same id; what whoever started it has given stays.
 * Call it before anything else: what is open is lost. Takes 40 ms. Where a process cannot be replaced, on Windows, it
 * goes on without.
 */
export function keepSmall(): void {
  const { execArgv, execPath, argv, env, platform } = process;
  const all = [...execArgv, env.NODE_OPTIONS ?? ''];
  const missing = options.filter(({ given }) => !all.some((text) => given.test(text)));
  if (missing.length === 0 && env[arenas] !== undefined) return;
  if (platform === 'win32' || process.execve === undefined) return;
  const args = [...missing.map(({ flag }) => flag), ...execArgv, ...argv.slice(1)];
  process.execve(execPath, [execPath, ...args], { [arenas]: '1', ...env });
}
