/** An Accept that nobody writes is not kept for the answer, which is plain text then. */
import { expect, test } from 'vitest';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

test.each([
  ['short', 'application/json', 'application/json'],
  ['long', `application/json, ${'x/y, '.repeat(200)}*/*;q=0.1`, 'text/plain'],
])('a %s one', async (_, accept, type) => {
  await using gateway = await startGateway({ routes: [routeTo(9, { path: '/app' })] });
  const client = await rawConnect(gateway.port);
  client.sendText(`GET /nowhere HTTP/1.1\r\nHost: a.test\r\nAccept: ${accept}\r\n\r\n`);
  expect(await client.head()).toContain(`Content-Type: ${type}`);
});
