/**
 * The only way in which a command writes to standard output and standard error. When the promise resolves, what it
 * prints has left the process, or nobody reads it: so the process can end without cutting it short.
 */

/** Prints to standard output, for as long as its reader takes. */
export function print(text: string): Promise<void> {
  return printTo(process.stdout, text);
}

/** Prints to standard error; gives up after `patienceMs` where that is given. */
export function complain(text: string, patienceMs = Number.POSITIVE_INFINITY): Promise<void> {
  const printed = printTo(process.stderr, text);
  if (patienceMs === Number.POSITIVE_INFINITY) return printed;
  return Promise.race([printed, new Promise<void>((resolve) => setTimeout(resolve, patienceMs))]);
}

const guarded = new WeakSet<NodeJS.WriteStream>();

function printTo(stream: NodeJS.WriteStream, text: string): Promise<void> {
  // A reader that has seen enough (`| head`) is no error of ours.
  if (!guarded.has(stream)) guarded.add(stream.on('error', () => {}));
  return new Promise((resolve) => stream.write(text, () => resolve()));
}
