/**
 * Sizes, durations, counts and rates as people write them. Each parser answers with a value or with the rest of a
 * sentence that begins with what was found: `"20 MiBs"` + `is not a size; write 20MiB, 20MB or bytes`.
 */

import type { Rate } from '../../catalogue/limit-values.ts';
import { upTo } from './patterns.ts';
import type { Result } from './result.ts';

const sizeUnits: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Node's timers hold 31 bits of milliseconds and fire at once beyond that; these are the whole hours below. */
const longestHours = 596;
/** Counts beyond this are mistakes; the memory for them does not exist. */
const largestCount = 1_000_000_000;

// The patterns bound the digits of each unit, so that they fit what the parsers take without a line of alternatives. A
// size of 1024TiB or a duration of 12 days in seconds is refused by them and by nobody else.
const size = '0*[1-9]([0-9]{0,14}B|[0-9]{0,11}(kB|KB|KiB)|[0-9]{0,8}(MB|MiB)|[0-9]{0,5}(GB|GiB)|[0-9]{0,2}(TB|TiB))';
/** The pattern of a size in the JSON Schema. */
export const sizePattern = `^${size}$`;
/** The pattern of a duration in the JSON Schema. */
export const durationPattern = `^(off|0|0*([0-9]{1,9}ms|[0-9]{1,6}s|[0-9]{1,4}m|${upTo(longestHours)}h))$`;
/** The pattern of a duration that cannot be off. */
export const finiteDurationPattern = `^0*([1-9]([0-9]{0,8}ms|[0-9]{0,5}s|[0-9]{0,3}m)|${upTo(longestHours, 1)}h)$`;
/** The pattern of a rate of messages or frames in the JSON Schema. */
export const countRatePattern = '^0*[1-9][0-9]{0,8}/s$';
/** The pattern of a rate of bytes in the JSON Schema. */
export const byteRatePattern = `^${size}/s$`;

/** A scalar as text; a mapping may hold a `toString` of its own, so only scalars are turned into text. */
export function scalarText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** The number a person probably meant, so that the remedy can be copied. */
function leadingNumber(value: unknown, otherwise: number): string {
  const digits = /^\s*(\d{1,9})(?!\d)/.exec(scalarText(value))?.[1];
  return digits !== undefined && Number(digits) > 0 ? String(Number(digits)) : String(otherwise);
}

/** Parses `20MiB`, `20MB` or a number of bytes. */
export function parseSize(value: unknown): Result<number> {
  const bytes = bytesOf(value);
  if (bytes === undefined) {
    if (typeof value === 'number' && value < 0) return { problem: 'is negative; write 20MiB, 20MB or bytes' };
    const n = leadingNumber(value, 20);
    const letter = meantLetter(scalarText(value));
    return { problem: `is not a size; write ${n}${letter}iB, ${n}${letter}B or bytes` };
  }
  if (bytes === 0) return { problem: 'is no usable size; write at least 1B, or remove the line for the default' };
  if (bytes > Number.MAX_SAFE_INTEGER) return { problem: 'is too large for a size; write at most 8191TiB' };
  return { value: bytes };
}

/** The unit that was probably meant: `64k` and `64Kib` are 64KiB, and not a thousand times as much. */
function meantLetter(text: string): string {
  const [, letter = 'M'] = /^\s*[\d.]+\s*([kmgt])/i.exec(text) ?? [];
  return letter.toUpperCase();
}

function bytesOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+)([A-Za-z]+)$/.exec(value);
  const unit = match && Object.hasOwn(sizeUnits, match[2]!) ? sizeUnits[match[2]!] : undefined;
  return unit === undefined ? undefined : Number(match![1]) * unit;
}

/** Parses a size, or `unlimited`, which is `Infinity`. */
export function parseSizeOrUnlimited(value: unknown): Result<number> {
  if (value === 'unlimited') return { value: Number.POSITIVE_INFINITY };
  if (value === 0) return { problem: 'is no usable size; write a size such as 20MiB, or unlimited' };
  return parseSize(value);
}

/** Parses `500ms`, `30s`, `5m` or `1h` to milliseconds; `0` and `off` are 0. */
export function parseDuration(value: unknown): Result<number> {
  if (value === 0 || value === '0' || value === 'off') return { value: 0 };
  const match = typeof value === 'string' ? /^(\d+)(ms|s|m|h)$/.exec(value) : null;
  if (match) {
    const ms = Number(match[1]) * durationUnits[match[2]!]!;
    if (ms <= longestHours * durationUnits.h!) return { value: ms };
    return { problem: `is too long; write at most ${longestHours}h, or off` };
  }
  if (typeof value === 'number' && value < 0) return { problem: 'is negative; write a duration such as 30s, or off' };
  const n = leadingNumber(value, 30);
  if (typeof value === 'number') return { problem: `has no unit; write ${n}s, ${n}m or ${n}ms` };
  const meant = meantDuration(scalarText(value)) ?? `${n}s, ${n}m, ${n}ms`;
  return { problem: `is not a duration; write ${meant}, or off` };
}

/** Units as other programs have them, and how they are written here: a day is 24h. */
const unitWords: readonly (readonly [RegExp, number, string])[] = [
  [/^m(illi)?s(ec(ond)?s?)?$/i, 1, 'ms'],
  [/^s(ec(ond)?s?)?$/i, 1, 's'],
  [/^m(in(ute)?s?)?$/i, 1, 'm'],
  [/^h((ou)?rs?)?$/i, 1, 'h'],
  [/^d(ays?)?$/i, 24, 'h'],
];

function meantDuration(text: string): string | undefined {
  const [, digits, word] = /^\s*(\d{1,6})\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const found = word === undefined ? undefined : unitWords.find(([pattern]) => pattern.test(word));
  if (found === undefined) return undefined;
  const meant = `${Number(digits) * found[1]}${found[2]}`;
  return 'value' in parseDuration(meant) ? meant : undefined;
}

/** Parses a duration that cannot be off. */
export function parseFiniteDuration(value: unknown): Result<number> {
  const duration = parseDuration(value);
  if (!('value' in duration)) return { problem: duration.problem.replace(/,? or off$/, '') };
  return duration.value > 0 ? duration : { problem: 'would wait for ever; write a duration such as 10s' };
}

/** Parses a whole number from 1. */
export function parseCount(value: unknown): Result<number> {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    return { problem: `is not a count; write a whole number such as ${leadingNumber(value, 64)}` };
  }
  if (value < 1) return { problem: `is ${value === 0 ? 'no usable count' : 'negative'}; write 1 or more` };
  if (value > largestCount) return { problem: `is too large for a count; write at most ${largestCount}` };
  return { value };
}

/**
 * Parses how deep a message may nest. Beyond 1000 a schema, which recurses as deep, would come near the end of the
 * stack.
 */
export function parseDepth(value: unknown): Result<number> {
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1000) return { value: Number(value) };
  return { problem: 'is no depth; write a whole number from 1 to 1000' };
}

/** Parses how many leading bits of an IPv6 address count. */
export function parsePrefixLength(value: unknown): Result<number> {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 128) return { value };
  return { problem: 'is not the length of an IPv6 prefix; write a number from 1 to 128, such as 64' };
}

/** Parses a count, or `unlimited`, which is `Infinity`. */
export function parseCountOrUnlimited(value: unknown): Result<number> {
  if (value === 'unlimited') return { value: Number.POSITIVE_INFINITY };
  const count = parseCount(value);
  return 'value' in count ? count : { problem: `${count.problem}, or unlimited` };
}

/** What a rate counts. */
export type RateOf = 'messages' | 'bytes';

const rateExample = { messages: '100/s', bytes: '10MiB/s' };

function parsePerSecond(value: unknown, of: RateOf): Result<number> {
  const amount = typeof value === 'string' && value.endsWith('/s') ? value.slice(0, -2) : undefined;
  if (amount !== undefined) {
    if (of === 'bytes' && !/^\d+$/.test(amount)) {
      const size = parseSize(amount);
      if ('value' in size) return size;
    }
    if (of === 'messages' && /^\d+$/.test(amount)) {
      const count = parseCount(Number(amount));
      return 'value' in count ? count : { problem: `is no usable rate; write ${rateExample[of]}` };
    }
  }
  return { problem: `is not a rate per second; write ${meantRate(scalarText(value), of)}` };
}

/** The rate that a person probably meant: `10`, `10r/s` and `10MiB` lack their `/s`, and `600/m` is 10/s. */
function meantRate(text: string, of: RateOf): string {
  const [, number, unit = '', time = 's'] =
    /^\s*(\d{1,9})\s*([KMGT]i?B)?\s*r?(?:\/\s*([smh])[a-z]*)?\s*$/i.exec(text) ?? [];
  const perSecond = Math.ceil(Number(number) / { s: 1, m: 60, h: 3600 }[time.toLowerCase()]!);
  const meant = `${perSecond}${unit || (of === 'bytes' ? 'MiB' : '')}/s`;
  return new RegExp(of === 'bytes' ? byteRatePattern : countRatePattern).test(meant) ? meant : rateExample[of];
}

function parseBurst(value: unknown, of: RateOf): Result<number> {
  return of === 'bytes' ? parseSize(value) : parseCount(value);
}

/**
 * Parses `100/s` (or `10MiB/s`), or `{rate, burst, action}`, to a rate; burst is one second's worth and the action
 * `pause` where nothing else is said. `unlimited` is `null`.
 */
export function parseRate(value: unknown, of: RateOf): Result<Rate | null> {
  if (value === 'unlimited') return { value: null };
  return parseBucket(value, of, ['pause', 'close']);
}

/** Parses the rate of control frames: always finite, and the only action is to close. */
export function parseControlRate(value: unknown): Result<Rate> {
  return parseBucket(value, 'messages', ['close']);
}

/** Parses how many lines of a kind there may be: what is beyond it is left out. */
export function parseLineRate(value: unknown): Result<Rate | null> {
  if (value === 'unlimited') return { value: null };
  const parsed = parseControlRate(value);
  return 'problem' in parsed && !('key' in parsed && parsed.key)
    ? { problem: `${parsed.problem} or unlimited` }
    : parsed;
}

/** How a share is written. */
export const sharePattern = '^(all|none|[0-9]{1,2}(\\.[0-9]{1,3})?%)$';

/** Parses a share, as a number from 0 to 1. */
export function parseShare(value: unknown): Result<number> {
  if (value === 'all') return { value: 1 };
  if (value === 'none') return { value: 0 };
  if (typeof value !== 'string' || !new RegExp(sharePattern).test(value)) {
    return { problem: 'is not a share; write all, none or a percentage such as 10%' };
  }
  return { value: Number(value.slice(0, -1)) / 100 };
}

function parseBucket(
  value: unknown,
  of: RateOf,
  actions: readonly [Rate['action'], ...Rate['action'][]],
): Result<Rate> {
  if (!isMapping(value)) {
    const perSecond = parsePerSecond(value, of);
    if ('problem' in perSecond) {
      const either = actions.length > 1 ? ', {rate, burst, action} or unlimited' : ' or {rate, burst}';
      return { problem: perSecond.problem + either };
    }
    return { value: { perSecond: perSecond.value, burst: perSecond.value, action: actions[0] } };
  }
  const known = actions.length > 1 ? ['rate', 'burst', 'action'] : ['rate', 'burst'];
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) return { key, problem: `is not a key of a rate; write {${known.join(', ')}}` };
  }
  if (value.rate === undefined) return { problem: `has no rate; write {rate: ${rateExample[of]}}` };
  const perSecond = parsePerSecond(value.rate, of);
  if ('problem' in perSecond) return { key: 'rate', problem: perSecond.problem };
  const burst = value.burst === undefined ? perSecond : parseBurst(value.burst, of);
  if ('problem' in burst) return { key: 'burst', problem: burst.problem };
  const action = actions.find((name) => name === (value.action ?? actions[0]));
  if (action === undefined) return { key: 'action', problem: `is not an action; write ${actions.join(' or ')}` };
  return { value: { perSecond: perSecond.value, burst: burst.value, action } };
}

/** Whether a value is a mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
