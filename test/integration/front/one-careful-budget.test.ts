/** Chunks in the careful lane, wherever they come from, are work of one kind: a round has room for so many in all. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { carefulBudget } from '../../../src/front/careful/piece-size.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

const count = 2000;
const chunks = `${'1\r\nx\r\n'.repeat(count)}0\r\n\r\n`;
const careful = (text: string) => text.replace('GET /', 'GET http://gateway.test/');
const get = careful('GET / HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n');
const put = get.replace('GET', 'PUT').replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n');

test.each([
  ['a request', put + chunks, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['an answer', get, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`],
  [
    'a refused handshake',
    careful(handshakeRequest()),
    `HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
  ],
])('those of %s count in it', async (_, request, answer) => {
  const spend = vi.spyOn(carefulBudget, 'spend');
  onTestFinished(() => spend.mockRestore());
  await using upstream = await fakeUpstream({ answer: () => answer });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  client.sendText(request);
  await client.rest();
  const work = () => spend.mock.calls.reduce((sum, [one]) => sum + one, 0);
  await expect.poll(work).toBeGreaterThanOrEqual(count);
});
