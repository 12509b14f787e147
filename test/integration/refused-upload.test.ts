/** A client that is still uploading when it is refused sees why, not a reset. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { fakeUpstream, headersOf } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { rawConnect } from '../helpers/raw-client.ts';

const size = 30e6;
const chunk = Buffer.alloc(64 * 1024);

test('30 MB for a host without a route are answered with 404, 20 times of 20', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream, { hosts: ['known.test'] })] });
  for (let i = 0; i < 20; i++) {
    const client = await rawConnect(gateway.port);
    client.sendText(
      `POST /upload HTTP/1.1\r\nHost: other.test\r\nAccept: application/json\r\nContent-Length: ${size}\r\n\r\n`,
    );
    let sent = 0;
    while (sent < size && !client.socket.destroyed) {
      const part = chunk.subarray(0, size - sent);
      sent += part.length;
      if (!client.socket.write(part)) {
        await Promise.race([once(client.socket, 'drain').catch(() => {}), client.gone]);
      }
    }
    expect([i, await client.ended, sent]).toEqual([i, 'fin', size]);
    const answer = (await client.rest()).toString();
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(headersOf(answer, 'Connection')).toEqual(['close']);
    expect(answer).toContain('no route matches this host and path');
    client.end();
    await client.gone;
  }
  expect(upstream.accepted).toBe(0);
  expect(gateway.log.filter(({ result }) => result === 'no_route')).toHaveLength(20);
});

test('one that waits to be told to go on is told no, and the connection ends', async () => {
  await using upstream = await fakeUpstream();
  await using gateway = await startGateway({ routes: [routeTo(upstream, { hosts: ['known.test'] })] });
  const client = await rawConnect(gateway.port);
  client.sendText(
    `POST /upload HTTP/1.1\r\nHost: other.test\r\nExpect: 100-continue\r\nContent-Length: ${size}\r\n\r\n`,
  );
  const answer = (await client.rest()).toString();
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  client.end();
  await client.gone;
});
