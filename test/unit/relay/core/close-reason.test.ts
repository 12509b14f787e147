import { expect, test } from 'vitest';
import type { Violation } from '../../../../src/observe/report.ts';
import { closeReason } from '../../../../src/relay/core/close-reason.ts';
import { closeWith } from '../../../../src/websocket/close.ts';

const violation = (limit: Violation['limit'], configured: number, observed: number | bigint): Violation => ({
  ...{ sender: 'client', action: 'close' },
  ...{ limit, configured, observed, partial: false },
});

const sentences: [Violation['limit'], number, number | bigint, string][] = [
  ['max_message_size', 20_971_520, 157_286_400, 'message of 150 MiB exceeds 20 MiB (route panel)'],
  ['max_message_size', 10_485_760, 16_987_000, 'message of 16.2 MiB exceeds 10 MiB (route panel)'],
  ['max_message_size', 10_485_760, 10_485_761, 'message of 10.000001 MiB exceeds 10 MiB (route panel)'],
  ['max_message_size', 25_000_000, 25_100_000, 'message of 25.1 MB exceeds 25 MB (route panel)'],
  ['max_frame_size', 1000, 1001, 'frame of 1001 bytes exceeds 1000 (route panel)'],
  ['max_fragments', 16_384, 16_385, 'message of 16385 fragments exceeds 16384 (route panel)'],
  ['message_timeout', 600_000, 600_123, 'message took 600.1 s, more than 600 s (route panel)'],
  ['max_message_rate', 100, 101, 'more than 100 messages per second (route panel)'],
  ['max_byte_rate', 10_485_760, 10_485_800, 'more than 10 MiB per second (route panel)'],
  ['max_byte_rate', 1000, 1500, 'more than 1000 bytes per second (route panel)'],
  ['max_control_rate', 50, 51, 'more than 50 control frames per second (route panel)'],
  ['max_pause', 30_000, 30_100, 'receiver took nothing for 30.1 s, more than 30 s (route panel)'],
  [
    'memory.max_buffered',
    67_108_864,
    67_200_000,
    'all buffers together exceed 64 MiB, and this one was the largest (route panel)',
  ],
];

test.each(sentences)('tells people about %s', (limit, configured, observed, words) => {
  expect(closeReason(violation(limit, configured, observed), 'panel')).toBe(words);
});

test('tells a length that only a bigint holds exactly', () => {
  expect(closeReason(violation('max_message_size', 1000, 2n ** 63n - 1n), 'r')).toBe(
    'message of 9223372036854775807 bytes exceeds 1000 (route r)',
  );
});

test('says "at least" of a message that was refused before its last fragment', () => {
  const words = closeReason({ ...violation('max_message_size', 1000, 1200), partial: true }, 'r');
  expect(words).toBe('message of at least 1200 bytes exceeds 1000 (route r)');
});

test('fits into a close reason with the largest numbers and an ordinary route', () => {
  for (const [limit] of sentences) {
    const words = closeReason(violation(limit, Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n), 'jupyter-rooms');
    expect(closeWith(1009, words).reason.toString()).toBe(words);
  }
});
