/** Informational answers (100, 102, 103) before an answer, in both lanes: as many as fit into a head, and no more. */
import { describe, expect, test, vi } from 'vitest';
import { LegWriter } from '../../../src/relay/transport/leg-writer.ts';
import { fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

const hint = 'HTTP/1.1 103 Early Hints\r\n\r\n';
/** So many take 63 and 65 KiB. */
const [few, many] = [63, 65].map((size) => hint.repeat(Math.floor((size * 1024) / hint.length))) as [string, string];
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const requests = {
  'a request': 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n',
  'a handshake': handshakeRequest(),
};

describe.each([
  ['fast', ''],
  // An empty line before it brings a request into the careful lane.
  ['careful', '\r\n'],
])('in the %s lane', (_, before) => {
  describe.each(Object.entries(requests))('before the answer to %s', (kind, request) => {
    const final = (text: string) => (kind === 'a request' ? ok : switching(text));

    /** The status of the answer behind these. */
    async function statusBehind(interim: string): Promise<string> {
      await using upstream = await fakeUpstream({ answer: (text) => interim + final(text) });
      await using gateway = await startGateway({ routes: [routeTo(upstream)] });
      const client = await rawConnect(gateway.port);
      client.sendText(before + request);
      for (;;) {
        const status = (await client.head()).slice(9, 12);
        if (status !== '103') return status;
      }
    }

    test('as many come as fit into a head', async () => {
      expect(await statusBehind(few)).toBe(kind === 'a request' ? '200' : '101');
    });

    test('more are no answer', async () => {
      expect(await statusBehind(many)).toBe('502');
    });

    test('an upstream that sends them without end is left', async () => {
      await using upstream = await fakeUpstream({ answer: () => null });
      await using gateway = await startGateway({ routes: [routeTo(upstream)] });
      const client = await rawConnect(gateway.port);
      client.sendText(before + request);
      const peer = await upstream.next();
      peer.flood(Buffer.from(many));
      await peer.gone;
      await expect.poll(() => client.received.includes('HTTP/1.1 502 ')).toBe(true);
      // What came before the bound, and no more.
      expect(client.received.length).toBeLessThan(2 * many.length);
    });
  });
});

test('one that comes in pieces holds memory until it is whole', async () => {
  await using upstream = await fakeUpstream({ answer: () => null });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const { budget } = gateway.gateway.sessions.memory;
  const client = await rawConnect(gateway.port);
  client.sendText(requests['a request']);
  const peer = await upstream.next();
  peer.socket.setNoDelay();
  const before = budget.usedBytes;
  for (let i = 0; i < 64; i++) {
    peer.sendText(hint.slice(0, 12));
    // Often that is read before the rest comes.
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate);
    peer.sendText(hint.slice(12));
    expect(await client.head()).toBe(hint);
  }
  expect(budget.usedBytes - before).toBeLessThan(16 * 1024);
  peer.sendText(ok);
  expect(await client.head()).toMatch(/^HTTP\/1\.1 200 /);
});

test('those of one read go down in one write', async () => {
  const hints = hint.repeat(2000);
  await using upstream = await fakeUpstream({ answer: () => hints + ok });
  await using gateway = await startGateway({ routes: [routeTo(upstream)] });
  const client = await rawConnect(gateway.port);
  using writes = vi.spyOn(LegWriter.prototype, 'append');
  client.sendText(requests['a request']);
  expect((await client.bytes(hints.length)).toString()).toBe(hints);
  expect(await client.head()).toMatch(/^HTTP\/1\.1 200 /);
  // They may come in several reads.
  expect(writes.mock.calls.length).toBeLessThan(200);
});
