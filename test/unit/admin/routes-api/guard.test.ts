import { expect, test } from 'vitest';
import { ApiGuard } from '../../../../src/admin/routes-api/guard.ts';
import { createLog } from '../../../../src/observe/log/log.ts';

test('many refusals are a line at once and one for all others', () => {
  const lines: Record<string, unknown>[] = [];
  const guard = new ApiGuard({
    address: { kind: 'tcp', host: '127.0.0.1', port: 8001 },
    token: null,
    log: createLog({ write: (text) => void lines.push(JSON.parse(text)) }),
  });
  const ask = (remoteAddress: string) => {
    const headers = { host: 'evil.example' };
    return guard.refuses({ method: 'GET', headers, socket: { remoteAddress } });
  };
  for (let i = 1; i <= 9; i++) ask(`10.0.0.${i}`);
  expect(lines).toMatchObject([{ event: 'routes_api_refused', reason: 'host', client: '10.0.0.1', refused: 1 }]);
  guard.close();
  expect(lines.slice(1)).toMatchObject([{ reason: 'host', client: '10.0.0.9', refused: 8 }]);
});
