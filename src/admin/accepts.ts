/** What a request's `Accept` and `Accept-Encoding` ask for (RFC 9110 §12.5), as far as a scrape is concerned. */
import type { Format } from '../observe/metrics/exposition.ts';

interface Range {
  readonly name: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

/** More than any scraper lists. */
const maxRanges = 32;

/** Returns OpenMetrics if it is named and wanted no less than plain text. The version that is written is 1.0.0. */
export function wantedFormat(accept: string | undefined): Format {
  let openmetrics = 0;
  let text = 0;
  for (const { name, parameters, weight } of rangesOf(accept)) {
    const version = parameters.get('version');
    if (name === 'application/openmetrics-text' && (version === undefined || version === '1.0.0')) {
      openmetrics = Math.max(openmetrics, weight);
    } else if (name === 'text/plain') {
      text = Math.max(text, weight);
    }
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'text';
}

/** Whether the answer may be compressed. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return rangesOf(acceptEncoding).some(({ name, weight }) => (name === 'gzip' || name === 'x-gzip') && weight > 0);
}

function rangesOf(header = ''): Range[] {
  return header.toLowerCase().split(',', maxRanges).map(readRange);
}

function readRange(text: string): Range {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => pairOf(part)));
  const weight = Number(parameters.get('q') ?? 1);
  return { name, parameters, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

function pairOf(parameter: string): [string, string] {
  const at = parameter.indexOf('=');
  return at < 0 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)];
}
