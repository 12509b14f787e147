import { expect, test } from 'vitest';
import { acceptsGzip, wantedFormat } from '../../../src/admin/accepts.ts';

test.each([
  // What Prometheus 2 and 3 send.
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.2',
  'application/openmetrics-text',
  'text/plain, Application/OpenMetrics-Text',
])('%s asks for OpenMetrics', (accept) => {
  expect(wantedFormat(accept)).toBe('openmetrics');
});

test.each([
  undefined,
  '',
  '*/*',
  'application/*',
  'text/plain;version=0.0.4',
  'application/openmetrics-text;q=0',
  'application/openmetrics-text;q=nonsense',
  'application/openmetrics-text;version=0.0.1',
  'application/openmetrics-text;version=1.0.0;q=0.3, text/plain;q=0.5',
  'text/html,application/xhtml+xml,*/*;q=0.8',
])('%j asks for text', (accept) => {
  expect(wantedFormat(accept)).toBe('text');
});

test.each(['gzip', 'deflate, gzip;q=0.5', 'GZIP', 'x-gzip'])('%s accepts gzip', (header) => {
  expect(acceptsGzip(header)).toBe(true);
});

test.each([undefined, '', 'identity', 'gzip;q=0', 'br', '*', 'not-gzip'])('%j does not', (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
