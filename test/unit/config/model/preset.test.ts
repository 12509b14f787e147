import { expect, test } from 'vitest';
import { type BackendLimit, patientForEver, pings, preset } from '../../../../src/config/model/preset.ts';

const MiB = 1024 * 1024;
const second = 1000;
const minute = 60 * second;

const limit = (maxMessageBytes: number): BackendLimit => ({
  maxMessageBytes,
  source: 'server.py: LIMIT',
  raise: null,
  readBuffer: null,
});
const server = (maxMessageBytes: number, bears = patientForEver('a server')) =>
  preset({ fits: 'a server', limit: limit(maxMessageBytes), bears, files: 'binary', over: 'it ends' });

test('a client is borne for the whole of a backend ping: its interval and its timeout', () => {
  const { settings } = server(MiB, pings('a server', 20, 20, '1011'));
  // 20 s until Sluice's own ping, and then as long as is left of 40.
  expect(settings['ping.timeout']).toBe(20 * second);
  expect(settings['limits.upstream.max_pause']).toBeGreaterThan(40 * second);
});

test('a backend that waits for ever is outlived by TCP alone', () => {
  const { settings } = server(MiB);
  expect(settings['ping.timeout']).toBe(15 * minute);
  expect(settings['limits.upstream.max_pause']).toBe(15 * minute);
});

test('a backend may give up the silent, and wait for ever where output is stuck', () => {
  const { settings } = server(MiB, { ...pings('a server', 20, 20, '1011'), stuckMs: null });
  expect(settings['ping.timeout']).toBe(20 * second);
  expect(settings['limits.upstream.max_pause']).toBe(15 * minute);
});

test('a backend that computes keeps its clients waiting for as long as over HTTP', () => {
  expect(server(MiB).settings['limits.client.max_pause']).toBe(60 * minute);
});

test.each([
  [MiB, 15 * minute],
  [20 * MiB, 22 * minute],
  [1024 * MiB, 1093 * minute],
  [Number.POSITIVE_INFINITY, 0],
])('the largest message, %d bytes, may take what 128 kbit/s needs', (bytes, ms) => {
  expect(server(bytes).settings['limits.client.message_timeout']).toBe(ms);
});

test.each([
  [1024 * MiB, undefined],
  [1024 * MiB + 1, 16_385],
  [Number.POSITIVE_INFINITY, undefined],
])('a message of %d bytes in fragments of 64 KiB is whole before they are too many', (bytes, fragments) => {
  expect(server(bytes).settings['limits.client.max_fragments']).toBe(fragments);
});

test('what a page needs beside the bounds comes last', () => {
  const about = {
    fits: 'a page',
    limit: limit(MiB),
    bears: pings('a server', 20, 20, '1011'),
    files: 'pages',
    over: 'it ends',
  } as const;
  const { settings, pingIsActivity } = preset(about, { 'ping.timeout': 7, 'drain.close': 'wait' });
  expect(settings).toMatchObject({ 'ping.timeout': 7, 'drain.close': 'wait' });
  expect(pingIsActivity).toBe(false);
});
