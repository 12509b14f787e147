import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import {
  createLog,
  type LogSubject,
  logEnd,
  logHttpFailure,
  logOpen,
  logRefusal,
  logViolation,
} from '../../../src/observe/log/log.ts';
import type { SenderReport, SessionReport, Violation } from '../../../src/observe/report.ts';

function capture(): { log: ReturnType<typeof createLog>; text: () => string; line: () => Record<string, unknown> } {
  let text = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  return { log: createLog(sink), text: () => text, line: () => JSON.parse(text) };
}

const subject: LogSubject = {
  id: 'c1',
  route: 'panel',
  facts: {
    host: 'apps.example.org',
    path: '/app/ws',
    address: '203.0.113.9',
    upstream: 'http://panel:5006',
    subprotocol: 'bokeh',
    handshakeMs: 12.3456,
  },
};
const facts = {
  conn_id: 'c1',
  route: 'panel',
  host: 'apps.example.org',
  path: '/app/ws',
  client: '203.0.113.9',
  upstream: 'http://panel:5006',
  subprotocol: 'bokeh',
  handshake_ms: 12.346,
};
const sent: SenderReport = {
  messages: 3,
  bytes: 100,
  maxMessageBytes: 80,
  fragments: 4,
  pauses: 1,
  pausedMs: 20.5,
  maxBufferedBytes: 64,
};
const violation: Violation = {
  sender: 'client',
  limit: 'max_message_size',
  configured: 20_971_520,
  observed: 157_286_400,
  partial: false,
  action: 'close',
};
const report: SessionReport = {
  durationMs: 61_500,
  client: sent,
  upstream: sent,
  closedBy: 'sluice',
  reason: 'message_too_big',
  codes: { sentToClient: 1009, receivedFromClient: 1009, sentToUpstream: 1009, receivedFromUpstream: null },
  violation,
  cut: ['upstream'],
  incomplete: ['upstream'],
  undeliveredBytes: 5,
  lastDataAgeMs: 1500,
};

test('writes one line when a connection opens', () => {
  const { log, line } = capture();
  logOpen(log, subject);
  expect(line()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    event: 'open',
    flag: 'OK',
    ...facts,
    msg: 'connection opened',
  });
});

test('names the user where one is known', () => {
  const { log, line } = capture();
  logOpen(log, { ...subject, facts: { ...subject.facts, user: 'ada' } });
  expect(line()).toMatchObject({ event: 'open', client: '203.0.113.9', user: 'ada' });
});

test('names limit, configured and observed at a violation', () => {
  const { log, line } = capture();
  logViolation(log, subject, violation);
  expect(line()).toMatchObject({
    level: 'warn',
    event: 'violation',
    flag: 'ML',
    ...facts,
    sender: 'client',
    action: 'close',
    limit: { name: 'max_message_size', configured: 20_971_520, observed: 157_286_400 },
    msg: 'a message exceeds max_message_size (sender: client)',
  });
});

test('says of a receiver that takes nothing that it is the one', () => {
  const { log, line } = capture();
  logViolation(log, subject, { ...violation, limit: 'max_pause', sender: 'upstream' });
  expect(line()).toMatchObject({ msg: 'the receiver made no progress for max_pause (sender: upstream)' });
});

test('writes all that is known at the end', () => {
  const { log, line } = capture();
  logEnd(log, subject, report, { configHash: 'abc', draining: false });
  const sender = {
    messages: 3,
    bytes: 100,
    max_message_bytes: 80,
    fragments: 4,
    pauses: 1,
    paused_ms: 20.5,
    max_buffered_bytes: 64,
  };
  expect(line()).toEqual({
    level: 'warn',
    time: expect.any(String),
    event: 'end',
    flag: 'ML',
    ...facts,
    duration_s: 61.5,
    client_sent: sender,
    upstream_sent: sender,
    closed_by: 'sluice',
    reason: 'message_too_big',
    close_codes: {
      sent_to_client: 1009,
      received_from_client: 1009,
      sent_to_upstream: 1009,
      received_from_upstream: null,
    },
    sender: 'client',
    limit: { name: 'max_message_size', configured: 20_971_520, observed: 157_286_400 },
    cut: ['upstream'],
    incomplete: ['upstream'],
    undelivered_bytes: 5,
    last_data_age_s: 1.5,
    config_hash: 'abc',
    draining: false,
    msg: 'a message exceeds max_message_size; the upstream got the beginning of a message only, and may call it 1002 (incomplete fragmented message)',
  });
});

test('a length that no number holds is a string of digits, and no limit is called unlimited', () => {
  const { log, line } = capture();
  logViolation(log, subject, { ...violation, configured: Number.POSITIVE_INFINITY, observed: 2n ** 63n - 1n });
  expect(line().limit).toEqual({
    name: 'max_message_size',
    configured: 'unlimited',
    observed: '9223372036854775807',
  });
});

test('refusals name result and status', () => {
  const { log, line } = capture();
  logRefusal(log, 'origin_refused', 403, {
    route: 'panel',
    host: 'apps.example.org',
    target: '/ws?token=s3cret',
    address: '203.0.113.9',
    origin: 'https://evil.test',
    headerBytes: 9000,
  });
  expect(line()).toMatchObject({
    level: 'warn',
    event: 'refused',
    flag: 'OR',
    result: 'origin_refused',
    status: 403,
    path: '/ws',
    origin: 'https://evil.test',
    header_bytes: 9000,
  });
});

test('never shows tokens, whatever field they come in', () => {
  const { log, text } = capture();
  const jwt = 'eyJzZXNzaW9uX2lkIjoiYWJjIn0.eyJhIjoxfQ.c2lnbmF0dXJl';
  logRefusal(log, 'no_route', 404, {
    route: null,
    host: 'h',
    target: `/${jwt}/api?access_token=s3cret`,
    address: 'a',
    origin: `https://x/?api_key=s3cret&token=s3cret`,
    detail: `GET http://hub/?token=s3cret failed`,
  });
  logHttpFailure(log, 'upstream_failed', 'GET', { route: null, host: 'h', target: `/x?jwt=${jwt}`, address: 'a' });
  expect(text()).not.toMatch(/s3cret|eyJ|c2lnbmF0dXJl/);
  expect(text()).toContain('[redacted]');
});

test('a line stays one line: control characters are escaped and long strings cut', () => {
  const { log, text, line } = capture();
  const path = `/a\n{"level":"fake"}\r\u0000\u001b[31m\u007f\u0085\u2028\u202e${'x'.repeat(100_000)}`;
  logRefusal(log, 'no_route', 404, { route: null, host: 'h\nX: y', target: path, address: 'a' });
  expect(text().trimEnd()).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
  expect(text().length).toBeLessThan(1000);
  expect(line().path).toContain('/a\\u000a');
});

test.runIf(existsSync('/dev/full'))('a full disk loses lines, neither the process nor its memory', async () => {
  const disk = openSync('/dev/full', 'w');
  const script = `const { createLog } = await import(${JSON.stringify(new URL('../../../src/observe/log/log.ts', import.meta.url))});
    const log = createLog();
    for (let i = 0; i < 20_000; i++) log.tell('stopped', { a: 'x'.repeat(5000) });
    process.stderr.write(String(process.memoryUsage().rss));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', disk, 'pipe'] });
  closeSync(disk);
  let rss = '';
  child.stderr!.on('data', (chunk) => {
    rss += chunk;
  });
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  // 100 MB were logged.
  expect(Number(rss)).toBeLessThan(150e6);
});

test('a connection costs the log about as much as the docs say', () => {
  const { log, text } = capture();
  logOpen(log, subject);
  logEnd(log, subject, report, { configHash: 'a'.repeat(64), draining: false });
  expect(text().length).toBeGreaterThan(1000);
  expect(text().length).toBeLessThan(1500);
});
