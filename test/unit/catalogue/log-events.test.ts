import { expect, test } from 'vitest';
import { lineOf } from '../../../src/catalogue/log-events.ts';
import { createLog } from '../../../src/observe/log/log.ts';

test('an event has its own level and words', () => {
  expect(lineOf('tls_loaded')).toEqual({ level: 'info', words: 'a certificate is in use' });
});

test('an event that happens in several ways has words for each', () => {
  expect(lineOf('draining', 'close').words).not.toBe(lineOf('draining', 'cut').words);
  expect(lineOf('config_not_watched', 'pipe').words).toContain('no ordinary file');
});

test('a line says its event first, and the words of its row', () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => void lines.push(line) });
  log.tell('tls_rejected', { problem: 'no key' });
  const { time: _, ...line } = JSON.parse(lines[0]!) as Record<string, unknown>;
  expect(line).toEqual({ level: 'error', event: 'tls_rejected', problem: 'no key', msg: lineOf('tls_rejected').words });
});
