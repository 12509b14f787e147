import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { inTurn, readSmallFile } from '../../src/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.useRealTimers());

const at = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('a small file', () => {
  test('is read whole, and one byte more of a longer one', async () => {
    const text = 'é'.repeat(100_000);
    expect(String(await readSmallFile(at('whole', text), 1e6))).toBe(text);
    expect(String(await readSmallFile(at('exact', 'abcd'), 4))).toBe('abcd');
    expect(String(await readSmallFile(at('longer', 'abcdef'), 4))).toBe('abcde');
    expect(String(await readSmallFile(at('empty', ''), 4))).toBe('');
  });

  test('is no pipe, no device, no folder: nothing is waited for', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    await expect(readSmallFile(fifo, 10)).rejects.toMatchObject({ code: 'ENOTFILE' });
    await expect(readSmallFile('/dev/zero', 10)).rejects.toMatchObject({ code: 'ENOTFILE' });
    await expect(readSmallFile(folder, 10)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(readSmallFile(join(folder, 'none'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('a file system that does not answer is asked by one thread, and given up on', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { promise: silence, resolve: answer } = Promise.withResolvers<string>();
  const asked: string[] = [];
  const ask = (name: string) =>
    inTurn(name, () => {
      asked.push(name);
      return name === 'first' ? silence : Promise.resolve(name);
    });
  const [first, second] = [ask('first'), ask('second')].map((asking) => asking.catch(({ code }) => code));
  await vi.advanceTimersByTimeAsync(5000);
  expect([await first, await second]).toEqual(['ETIMEDOUT', 'ETIMEDOUT']);
  expect(asked).toEqual(['first']);

  const third = ask('third');
  answer('at last');
  expect(await third).toBe('third');
  // Nobody waits for the second any more.
  expect(asked).toEqual(['first', 'third']);
});
