import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { TokenFile } from '../../../src/admin/token.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-token-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function problemOf(token: TokenFile): Promise<string | null> {
  await token.refresh();
  return token.problem();
}

async function matches(token: TokenFile, tried: string): Promise<boolean> {
  await token.refresh();
  return token.matches(tried);
}

const path = (name: string) => join(folder, name);

test('holds the token without the white space around it', async () => {
  writeFileSync(path('good'), '  s3cret-Token_~+/.==\n\n');
  const token = new TokenFile(path('good'));
  expect(await problemOf(token)).toBeNull();
  expect(await matches(token, 's3cret-Token_~+/.==')).toBe(true);
  for (const other of ['', 's3cret-Token_~+/.=', 'S3cret-Token_~+/.==', 's3cret-Token_~+/.===']) {
    expect(await matches(token, other)).toBe(false);
  }
});

test.each([
  ['missing', undefined, /missing does not exist; write a token/],
  ['empty', ' \n', /empty is empty; write a token/],
  ['short', 'fifteen-letters\n', /short holds a token of 15 characters, at least 16 are wanted; write a token/],
  ['two', 'one-of-two-words another\n', /two holds more than letters/],
  ['long', 'x'.repeat(4097), /long is longer than 4096/],
])('a file that is %s holds no token', async (name, content, words) => {
  if (content !== undefined) writeFileSync(path(name), content);
  const token = new TokenFile(path(name));
  expect(await problemOf(token)).toMatch(words);
  expect(await problemOf(token)).toMatch(/^admin\.token_file /);
  // Not even by the empty token.
  expect(await matches(token, (content ?? '').trim())).toBe(false);
});

test('a folder holds no token', async () => {
  expect(await problemOf(new TokenFile(folder))).toMatch(/is a directory; write/);
  expect(await problemOf(new TokenFile(`${folder}/empty/x`))).toMatch(/cannot be read: ENOTDIR|does not exist/);
});

test('a mounted Secret that is swapped holds a second later, and a flood of tries reads it once', async () => {
  let now = 5000;
  const [first, second] = ['the-first-of-two-tokens', 'the-second-of-two-tokens'];
  writeFileSync(path('v1'), first);
  symlinkSync('v1', path('data'));
  const token = new TokenFile(path('data'), () => now);
  expect(await matches(token, first)).toBe(true);
  writeFileSync(path('v2'), second);
  symlinkSync('v2', path('next'));
  renameSync(path('next'), path('data'));
  now += 999;
  expect([await matches(token, first), await matches(token, second)]).toEqual([true, false]);
  now += 1;
  expect([await matches(token, first), await matches(token, second)]).toEqual([false, true]);
});
