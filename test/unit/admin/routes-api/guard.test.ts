import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { ApiGuard } from '../../../../src/admin/routes-api/guard.ts';
import { createLog } from '../../../../src/observe/log/log.ts';

test('a token whose file goes between two looks at it is not called a wrong one', async () => {
  const lines: Record<string, unknown>[] = [];
  const problems = [null, 'the file does not exist'];
  const guard = new ApiGuard({
    address: { kind: 'tcp', host: '127.0.0.1', port: 8001 },
    token: { problem: async () => problems.shift()!, matches: async () => null, read: async () => 'secret' },
    log: createLog({ write: (text) => void lines.push(JSON.parse(text)) }),
  });
  const headers = { host: '127.0.0.1:8001', authorization: 'token secret' };
  const req = { method: 'GET', headers, socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage;
  expect(await guard.refuses(req)).toBe(true);
  expect(lines).toMatchObject([{ event: 'routes_api_refused', reason: 'the file does not exist' }]);
});

test('many refusals are a line at once and one for all others', async () => {
  const lines: Record<string, unknown>[] = [];
  const guard = new ApiGuard({
    address: { kind: 'tcp', host: '127.0.0.1', port: 8001 },
    token: null,
    log: createLog({ write: (text) => void lines.push(JSON.parse(text)) }),
  });
  const ask = (remoteAddress: string) => {
    const headers = { host: 'evil.example' };
    return guard.refuses({ method: 'GET', headers, socket: { remoteAddress } } as unknown as IncomingMessage);
  };
  for (let i = 1; i <= 9; i++) await ask(`10.0.0.${i}`);
  expect(lines).toMatchObject([{ event: 'routes_api_refused', reason: 'host', client: '10.0.0.1', refused: 1 }]);
  guard.close();
  expect(lines.slice(1)).toMatchObject([{ reason: 'host', client: '10.0.0.9', refused: 8 }]);
});
