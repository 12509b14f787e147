/** Numbers as people read them. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 65536 → "65,536". */
export const number = (/** @type {number} */ value) => grouped.format(value);

/** 65536 → "65.5K", for tiles and axes. */
export const compact = (/** @type {number} */ value) => (value < 10_000 ? grouped.format(value) : short.format(value));

/** Bytes in the largest binary unit, with three digits at most: 1.5 MiB, 256 KiB, 12 B. */
export function bytes(/** @type {number} */ value) {
  let scaled = value;
  let unit = 0;
  while (scaled >= 1023.5 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  const digits = Number.isInteger(scaled) || scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2;
  return `${Number(scaled.toFixed(digits))} ${units[unit]}`;
}

/** Bytes that must be compared to the byte: 1 KiB is shown as such, 1,025 B is not rounded. */
export function exactBytes(/** @type {number | string} */ value) {
  if (typeof value === 'string') return `${value} B`;
  const rounded = bytes(value);
  return value % 1024 === 0 && !rounded.includes('.') ? rounded : `${number(value)} B`;
}

/** 73000 → "1 min 13 s"; the two largest units. */
export function duration(/** @type {number} */ ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  /** @type {[number, string][]} */
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

/** The local time of day. */
export const time = (/** @type {number} */ at) => clock.format(at);

/** The local time, with its day unless it is today. */
export function moment(/** @type {number} */ at) {
  return new Date(at).toDateString() === new Date().toDateString() ? clock.format(at) : day.format(at);
}

/** 1 → "1 connection", 2 → "2 connections". */
export const count = (/** @type {number} */ value, /** @type {string} */ noun) =>
  `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
