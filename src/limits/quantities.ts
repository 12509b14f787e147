/** A limit and what exceeded it, in a unit that people read, and so exactly that the two never look equal. */

/** Binary units first: limits are mostly written in them. Below a MiB bytes are read as easily. */
const sizeUnits: readonly (readonly [name: string, bytes: number])[] = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['GB', 1e9],
  ['MB', 1e6],
];
const timeUnits: readonly (readonly [name: string, ms: number])[] = [['s', 1000]];

/** What was seen, and the limit. */
export interface Excess {
  readonly observed: string;
  readonly configured: string;
}

/** Sizes, in the largest unit of which the limit is a whole number: `16.2 MiB` and `10 MiB`. */
export function sizes(observed: number | bigint, configured: number): Excess {
  return inUnit(observed, configured, sizeUnits, 'bytes');
}

/** Times, in seconds where the limit is a whole number of them: `30.3 s` and `30 s`. */
export function times(observedMs: number | bigint, configuredMs: number): Excess {
  return inUnit(observedMs, configuredMs, timeUnits, 'ms');
}

/** A size alone, in the unit that it would have as a limit. */
export function size(bytes: number): string {
  return sizes(bytes, bytes).observed;
}

function inUnit(
  observed: number | bigint,
  configured: number,
  units: readonly (readonly [name: string, size: number])[],
  smallest: string,
): Excess {
  const unit = units.find(([, bytes]) => configured >= bytes && configured % bytes === 0);
  // Words for two numbers of one small unit need it once.
  if (unit === undefined) return { observed: `${observed} ${smallest}`, configured: String(configured) };
  const [name, bytes] = unit;
  const limit = String(configured / bytes);
  const seen = Number(observed) / bytes;
  // One digit says how much is missing; where that shows no difference, as many more as it takes.
  let digits = 1;
  while (digits < 12 && trimmed(seen, digits) === limit && Number(observed) !== configured) digits++;
  return { observed: `${trimmed(seen, digits)} ${name}`, configured: `${limit} ${name}` };
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
