/**
 * What a server says in `Sec-WebSocket-Protocol` is its word to the client: Sluice passes it on, says so, and counts
 * it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { headersOf } from '../../helpers/fake-upstream.ts';
import { clientFrame } from '../../helpers/frames.ts';
import { rawClient } from '../../helpers/raw-client.ts';
import { type Servers, startServers } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('tornado');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

const cases = [
  { what: 'the one that was offered', offered: 'a, b', answered: ['b'], odd: false },
  { what: 'one that was not offered', offered: 'a', answered: ['z'], odd: true },
  { what: 'one where none was offered', offered: null, answered: ['z'], odd: true },
  { what: 'an empty one', offered: 'a', answered: [''], odd: true },
  { what: 'two of them', offered: 'a, b', answered: ['a', 'b'], odd: true },
];

describe.each(cases)('$what', ({ offered, answered, odd }) => {
  test('arrives as it was sent, and messages pass', async () => {
    const path = `/protocols?${answered.map((one) => `answer=${one}`).join('&')}`;
    const heard: string[][] = [];
    const before = await servers.sluice.metric('upstream_errors_total', { error: 'subprotocol' });
    for (const { port, host } of servers.ways('tornado')) {
      const client = await rawClient(port, { path, headers: { Host: host, 'Sec-WebSocket-Protocol': offered } });
      heard.push(headersOf(client.answer, 'Sec-WebSocket-Protocol'));
      client.send(clientFrame('hello'));
      expect((await client.frame()).payload.toString()).toBe('hello');
      client.socket.destroy();
    }
    expect(heard).toEqual([answered, answered]);
    expect((await servers.sluice.metric('upstream_errors_total', { error: 'subprotocol' })) - before).toBe(odd ? 1 : 0);
  });
});
