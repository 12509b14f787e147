/** Reads the gateway's own `/metrics`, as Prometheus would, and keeps what the page shows. */

/** Sample name with its labels, as it stands in `/metrics`, to its value. */
export type Samples = Record<string, number>;

/** Families that the page shows; histograms and process metrics would be noise there. */
const shown =
  /^sluice_(connections_active|messages_total|message_bytes_total|buffered_bytes|paused_connections|pauses_total|limit_violations_total|connections_closed_total)\{/;

/** Parses the text exposition format as far as the shown samples need it. */
export function parseSamples(text: string): Samples {
  const samples: Samples = {};
  for (const line of text.split('\n')) {
    if (!shown.test(line)) continue;
    const end = line.lastIndexOf('} ') + 1;
    if (end > 0) samples[line.slice(0, end)] = Number(line.slice(end + 1).split(' ')[0]);
  }
  return samples;
}

/** The samples of `now` that `before` lacks or has with another value. */
export function changedSamples(before: Samples, now: Samples): Samples {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => before[name] !== value));
}
