/**
 * The only way in which a command writes to standard output and standard error. When the promise resolves, what it
 * prints has left the process, or nobody reads it: so the process can end without cutting it short.
 */

/** What a terminal obeys, or shows in another place than it stands; tabs and ends of lines are as they seem. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Colours, the only ones of them that commands write themselves. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
const colours = /(\x1b\[(?:0|1|2|22|31|33|39)m)/;

/** Text for a terminal. A file, or its parser's error, may hold anything: control characters are written as `\x1b`. */
export function plain(text: string): string {
  const parts = text.split(colours);
  return parts.map((part, i) => (i % 2 === 1 ? part : part.replace(controls, escaped))).join('');
}

function escaped(character: string): string {
  const hex = character.charCodeAt(0).toString(16);
  return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
}

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
  return new Promise((resolve) => stream.write(plain(text), () => resolve()));
}
