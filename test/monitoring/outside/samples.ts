/** Samples of the text format, and the same as promtool's series. */

export interface Sample {
  /** Its name and labels as they were exported, without the braces' end: `name{a="b"`, or `name{`. */
  readonly series: string;
  readonly value: number;
}

/** All samples of an exported text. */
export function samplesOf(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (found === null) return [];
    return [{ series: `${found[1]}{${found[2] ?? ''}`, value: Number(found[3]) }];
  });
}

const counter = /^\w+(?:_total|_count|_sum|_bucket)\{/;

/**
 * Two scrapes as one-minute samples of a pod: counters grow by the same each minute, and everything else is the
 * larger of the two all the time.
 */
export function growing(
  before: readonly Sample[],
  after: readonly Sample[],
  minutes: number,
  pod: Readonly<Record<string, string>>,
): { series: string; values: string }[] {
  const first = new Map(before.map(({ series, value }) => [series, value]));
  const labels = Object.entries(pod).map(([name, value]) => `${name}="${value}"`);
  return after.flatMap(({ series, value }) => {
    const from = first.get(series) ?? 0;
    // promtool has no word for those, and no alert reads one.
    if (!Number.isFinite(value) || !Number.isFinite(from)) return [];
    const values = counter.test(series) ? `${from}+${value - from}x${minutes}` : `${Math.max(from, value)}x${minutes}`;
    return [{ series: `${series}${series.endsWith('{') ? '' : ', '}${labels.join(', ')}}`, values }];
  });
}
