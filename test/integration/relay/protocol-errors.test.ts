import { expect, test } from 'vitest';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import { openRelay } from '../../helpers/relay.ts';

const brokenByClient: Record<string, Buffer> = {
  'an unmasked frame': frame('x'),
  'reserved bits': clientFrame('x', { rsv: 4 }),
  'an unknown opcode': clientFrame('x', { opcode: 3 }),
  'an unknown control opcode': clientFrame('x', { opcode: 11 }),
  'a control frame of 126 bytes': clientFrame('x'.repeat(126), { opcode: 9 }),
  'a fragmented control frame': clientFrame('x', { opcode: 9, fin: false }),
  'a continuation without a start': clientFrame('x', { opcode: 0 }),
  'a message inside another': Buffer.concat([clientFrame('a', { fin: false }), clientFrame('b')]),
  'a 64-bit length with its top bit set': clientFrame('', { length: 2n ** 63n }),
  'a length of 125 in 16 bits': clientFrame('x'.repeat(125), { lengthBits: 16 }),
  'a length of 65535 in 64 bits': clientFrame('', { length: 65535, lengthBits: 64 }),
  'a close of one byte': clientFrame('x', { opcode: 8 }),
  'a close reason that is not UTF-8': clientFrame(Buffer.from('03e8ff', 'hex'), { opcode: 8 }),
  ...Object.fromEntries(
    [999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) => [
      `close code ${code}`,
      closeFrame(code, '', { mask: true }),
    ]),
  ),
};

for (const [what, bytes] of Object.entries(brokenByClient)) {
  test(`answers ${what} of a client with 1002, and tells the upstream 1001`, async () => {
    await using relay = await openRelay();
    relay.client.send(bytes);
    expect((await relay.upstream.closeFrame()).code).toBe(1001);
    relay.upstream.send(closeFrame(1001));
    relay.upstream.end();
    expect((await relay.client.closeFrame()).code).toBe(1002);
    relay.client.end();
    expect(await relay.ended).toMatchObject({ reason: 'client_protocol_error', closedBy: 'client' });
  });
}

test('a masked frame of the upstream gets 1002 there and 1014 at the client', async () => {
  await using relay = await openRelay();
  relay.upstream.send(clientFrame('x'));
  expect((await relay.client.closeFrame()).code).toBe(1014);
  relay.client.send(closeFrame(1014, '', { mask: true }));
  relay.client.end();
  expect((await relay.upstream.closeFrame()).code).toBe(1002);
  relay.upstream.end();
  expect(await relay.ended).toMatchObject({ reason: 'upstream_protocol_error', closedBy: 'upstream' });
});

test('messages before a fault are delivered', async () => {
  await using relay = await openRelay();
  relay.client.send(Buffer.concat([clientFrame('good'), clientFrame('bad', { rsv: 1 })]));
  expect((await relay.upstream.frame()).payload.toString()).toBe('good');
  expect((await relay.upstream.closeFrame()).code).toBe(1001);
});
