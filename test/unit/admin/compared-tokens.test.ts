/** Tokens of operators and of the hub are compared in a time that tells nothing: whole digests, by OpenSSL. */
import crypto from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { apiToken } from '../../../src/admin/routes-api/token.ts';
import { TokenFile } from '../../../src/admin/token.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const token = 'the-token-of-the-hub';

function inFile(): string {
  const path = join(scratchFolder(), 'token');
  writeFileSync(path, token);
  return path;
}

test.each([
  ['of the environment', () => apiToken(null, token)!],
  ['of routes_api.token_file', () => apiToken(inFile(), undefined)!],
  ['of admin.token_file', () => new TokenFile(inFile())],
])('the token %s', async (_name, make) => {
  const compare = vi.spyOn(crypto, 'timingSafeEqual');
  syncBuiltinESMExports();
  onTestFinished(() => {
    compare.mockRestore();
    syncBuiltinESMExports();
  });
  const known = make();
  await known.refresh();
  const tries = ['', 't', token.slice(0, -1), `${token.slice(0, -1)}x`, `x${token.slice(1)}`, `${token}x`, token];
  for (const tried of tries) expect(known.matches(tried), tried).toBe(tried === token);
  const lengths = compare.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength]);
  expect(lengths).toEqual(tries.map(() => [32, 32]));
});
