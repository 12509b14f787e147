import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { Guard } from '../../../src/admin/guard.ts';
import type { AdminRefusal } from '../../../src/catalogue/outcomes.ts';
import type { Admin } from '../../../src/config/types.ts';
import { createLog } from '../../../src/observe/log/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-guard-'));
afterAll(() => rmSync(folder, { recursive: true }));

const right = 'a-token-that-nobody-guesses';
const loopback = { kind: 'tcp', host: '127.0.0.1', port: 9090 } as const;
let now = 0;
let lines: Record<string, unknown>[] = [];
let counted: AdminRefusal[] = [];
beforeEach(() => {
  now = 0;
  lines = [];
  counted = [];
});

function guard(admin: Partial<Admin> = {}): Guard {
  const log = createLog({ write: (text) => void lines.push(JSON.parse(text)) });
  const parts = { log, count: (reason: AdminRefusal) => void counted.push(reason), now: () => now };
  return new Guard({ admin: { address: loopback, tokenFile: null, ...admin }, ...parts });
}

async function visit(
  guard: Guard,
  headers: Record<string, string>,
  method = 'GET',
  { access = 'operator' as 'operator' | 'open', from = '::ffff:10.1.2.3' } = {},
) {
  const req = { method, headers, socket: { remoteAddress: from } } as unknown as IncomingMessage;
  const answer = await guard.refuse(req, access);
  if (answer === null) return 'admitted';
  return { status: answer.status, code: JSON.parse(String(answer.body)).error.code, headers: answer.headers };
}

describe('without a token', () => {
  test('admits an operator on the machine, and nobody whom a name or a page led here', async () => {
    const it = guard();
    expect(await it.problem()).toBeNull();
    expect(await visit(it, { host: 'localhost:9090' }, 'DELETE')).toBe('admitted');
    expect(await visit(it, { host: 'evil.example' })).toMatchObject({ status: 403, code: 'host' });
    expect(await visit(it, {})).toMatchObject({ status: 403, code: 'host' });
    const page = { host: '127.0.0.1:9090', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect(await visit(it, page, 'POST')).toMatchObject({ status: 403, code: 'cross_site' });
    expect(counted).toEqual(['host', 'host', 'cross_site']);
  });

  test('a unix socket has no name', async () => {
    const it = guard({ address: { kind: 'unix', path: '/run/a.sock' } });
    expect(await visit(it, { host: 'whatever' })).toBe('admitted');
    const page = { host: 'a', origin: 'https://evil.example' };
    expect(await visit(it, page)).toMatchObject({ code: 'cross_site' });
  });
});

describe('with a token', () => {
  const tokenFile = join(folder, 'token');
  const token = { authorization: `Bearer ${right}` };
  beforeEach(() => writeFileSync(tokenFile, `${right}\n`));

  test('asks for it under whatever name', async () => {
    const it = guard({ tokenFile });
    expect(await it.problem()).toBeNull();
    expect(await visit(it, { host: 'sluice.monitoring.svc:9090', ...token })).toBe('admitted');
    expect(await visit(it, { host: '127.0.0.1:9090' })).toEqual({
      status: 401,
      code: 'no_token',
      headers: { 'WWW-Authenticate': 'Bearer realm="sluice"' },
    });
    expect(await visit(it, { authorization: 'Bearer wrong' })).toEqual({
      status: 401,
      code: 'wrong_token',
      headers: { 'WWW-Authenticate': 'Bearer realm="sluice", error="invalid_token"' },
    });
    const page = { host: 'a', origin: 'https://evil.example', ...token };
    expect(await visit(it, page, 'DELETE')).toMatchObject({ code: 'cross_site' });
    expect(counted).toEqual(['no_token', 'wrong_token', 'cross_site']);
  });

  test('admits nobody while the file holds none, and says why in the log alone', async () => {
    const it = guard({ tokenFile });
    writeFileSync(tokenFile, '\n');
    expect(await it.problem()).toContain('token is empty');
    expect(await visit(it, { authorization: 'Bearer ' })).toMatchObject({ status: 503, code: 'token_file' });
    expect(lines).toMatchObject([{ level: 'error', flag: 'AF', detail: expect.stringContaining('is empty') }]);
    writeFileSync(tokenFile, right);
    now = 1000;
    expect(await visit(it, token)).toBe('admitted');
  });
});

describe('a name that led here', () => {
  const open = (it: Guard, host?: string) => visit(it, host === undefined ? {} : { host }, 'GET', { access: 'open' });

  test('reads no metrics of a port on loopback, with a token or without', async () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
      const it = guard({ address: { ...loopback, host } });
      expect(await open(it, 'evil.example:9090')).toMatchObject({ status: 403, code: 'host' });
      for (const own of ['127.0.0.1:9090', 'localhost:9090', '[::1]:9090']) {
        expect(await open(it, own)).toBe('admitted');
      }
      // A program of HTTP/1.0, such as a load balancer's check: no browser leaves it out.
      expect(await open(it)).toBe('admitted');
    }
    const tokenFile = join(folder, 'token-for-names');
    writeFileSync(tokenFile, right);
    expect(await open(guard({ tokenFile }), 'evil.example')).toMatchObject({ code: 'host' });
  });

  test('is how scrapers reach a port that is open to the network', async () => {
    for (const host of ['0.0.0.0', '::', '10.1.2.3']) {
      const it = guard({ address: { ...loopback, host } });
      expect(await open(it, 'sluice-metrics.apps.svc:9090')).toBe('admitted');
    }
    expect(await open(guard({ address: { kind: 'unix', path: '/run/a.sock' } }), 'whatever')).toBe('admitted');
  });
});

describe('who guesses', () => {
  const tokenFile = join(folder, 'guessed');
  const wrong = { authorization: 'Bearer a-token-that-somebody-guesses' };
  const token = { authorization: `Bearer ${right}` };
  beforeEach(() => writeFileSync(tokenFile, right));

  test('has ten tries, then one every six seconds, and nobody else is hurt', async () => {
    const it = guard({ tokenFile });
    for (let i = 0; i < 10; i++) expect(await visit(it, wrong)).toMatchObject({ code: 'wrong_token' });
    expect(await visit(it, wrong)).toEqual({ status: 429, code: 'too_many_tries', headers: { 'Retry-After': '6' } });
    // Else guessing would only be slower to be told of.
    expect(await visit(it, token)).toMatchObject({ code: 'too_many_tries' });
    expect(await visit(it, token, 'GET', { from: '10.1.2.4' })).toBe('admitted');
    now += 6000;
    expect(await visit(it, token)).toBe('admitted');
    expect(await visit(it, wrong)).toMatchObject({ code: 'wrong_token' });
    expect(await visit(it, token)).toMatchObject({ code: 'too_many_tries' });
    expect(counted.filter((reason) => reason === 'too_many_tries')).toHaveLength(3);
  });

  test('has no more of them for changing its address within a network of IPv6', async () => {
    const it = guard({ tokenFile });
    const from = (i: number) => ({ from: `2001:db8::${i.toString(16)}` });
    for (let i = 0; i < 10; i++) expect(await visit(it, wrong, 'GET', from(i))).toMatchObject({ code: 'wrong_token' });
    expect(await visit(it, wrong, 'GET', from(11))).toMatchObject({ code: 'too_many_tries' });
    expect(await visit(it, token, 'GET', { from: '2001:db8:0:1::1' })).toBe('admitted');
  });

  test('has no more of them at once, whether one is right or not', async () => {
    const it = guard({ tokenFile });
    const tries = [...Array.from({ length: 20 }, () => wrong), token].map((headers) => visit(it, headers));
    const codes = (await Promise.all(tries)).map((answer) => (answer === 'admitted' ? answer : answer.code));
    expect(codes).toEqual([...Array(10).fill('wrong_token'), ...Array(11).fill('too_many_tries')]);
  });

  test('a right token uses up no try', async () => {
    const it = guard({ tokenFile });
    for (let i = 0; i < 100; i++) expect(await visit(it, token)).toBe('admitted');
    expect(await visit(it, wrong)).toMatchObject({ code: 'wrong_token' });
  });
});

test('a thousand tries are a thousand counts, a line at once and one for all others', async () => {
  const it = guard();
  for (let i = 0; i < 1000; i++) await visit(it, { host: 'evil.example' });
  expect(counted).toHaveLength(1000);
  expect(lines).toMatchObject([
    { event: 'admin_refused', level: 'warn', flag: 'AH', reason: 'host', client: '10.1.2.3', refused: 1 },
  ]);
  it.close();
  expect(lines.slice(1)).toMatchObject([{ event: 'admin_refused', reason: 'host', client: '10.1.2.3', refused: 999 }]);
});

test('a right token is no wrong try where its file goes between two looks at it', async () => {
  const tokenFile = join(folder, 'goes');
  writeFileSync(tokenFile, right);
  let looks = 0;
  const now = () => {
    if (++looks > 1) rmSync(tokenFile, { force: true });
    return 1000 * looks;
  };
  const count = (reason: AdminRefusal) => void counted.push(reason);
  const it = new Guard({ admin: { address: loopback, tokenFile }, log: createLog({ write() {} }), count, now });
  expect(await visit(it, { authorization: `Bearer ${right}` })).toMatchObject({ status: 503, code: 'token_file' });
  expect(counted).toEqual(['token_file']);
});
