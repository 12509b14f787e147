import { expect, test } from 'vitest';
import { counts } from '../../helpers/counts.ts';
import { clientFrame, closeFrame, frame } from '../../helpers/frames.ts';
import type { Peer } from '../../helpers/peer.ts';
import { openRelay, type Relay, RelayHub } from '../../helpers/relay.ts';

/** Cuts `total` bytes into `parts` fragments at random places, some of them empty. */
function fragments(total: number, parts: number, mask: boolean): Buffer {
  const cuts = Array.from({ length: parts - 1 }, () => Math.floor(Math.random() * (total + 1))).sort((a, b) => a - b);
  const bounds = [0, ...cuts, total];
  return Buffer.concat(
    Array.from({ length: parts }, (_, i) =>
      frame(Buffer.alloc(bounds[i + 1]! - bounds[i]!, i), { opcode: i === 0 ? 2 : 0, fin: i === parts - 1, mask }),
    ),
  );
}

/** Sends bytes in pieces cut at random places. */
function sendInPieces(peer: Peer, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const to = Math.min(bytes.length, at + 1 + Math.floor(Math.random() * 700));
    peer.send(bytes.subarray(at, to));
    at = to;
  }
}

/** Whoever breaks a limit hears of it when the other side, here the upstream, has answered its close. */
async function answerClose(upstream: Peer): Promise<void> {
  await upstream.closeFrame();
  upstream.send(closeFrame(1009));
}

async function goodbye({ client, upstream }: Relay): Promise<void> {
  client.send(closeFrame(1000, '', { mask: true }));
  upstream.send(closeFrame(1000));
  client.end();
  upstream.end();
}

const limit = 1000;

for (const sender of ['client', 'upstream'] as const) {
  test(`limits of the ${sender} are exact: 200 runs, in one frame, two and a hundred, split anywhere`, async () => {
    for (let run = 0; run < 200; run++) {
      const parts = [1, 2, 100][run % 3];
      const size = limit + ((run % 5) % 3) - 1;
      const sides = { client: { maxMessageBytes: limit }, upstreamLimits: { maxMessageBytes: limit } };
      await using relay = await openRelay(sides);
      const [from, to] = sender === 'client' ? [relay.client, relay.upstream] : [relay.upstream, relay.client];
      const bytes = fragments(size, parts!, sender === 'client');
      sendInPieces(from, bytes);
      if (size <= limit) {
        expect((await to.bytes(bytes.length)).equals(bytes)).toBe(true);
        await goodbye(relay);
        expect((await relay.ended).violation).toBeNull();
      } else {
        expect((await to.closeFrame()).code).toBe(1009);
        to.send(closeFrame(1009, '', { mask: sender === 'upstream' }));
        const { code, reason: words } = await from.closeFrame();
        expect(code).toBe(1009);
        // Empty fragments may follow the one that crosses the limit.
        expect(words).toMatch(/^message of (at least )?1001 bytes exceeds 1000 \(route test\)$/);
        await goodbye(relay);
        const { violation, reason } = await relay.ended;
        expect(reason).toBe('message_too_big');
        expect(violation).toMatchObject({ sender, limit: 'max_message_size', configured: 1000, observed: 1001 });
        expect(counts(relay.counters[sender].violations)).toEqual({ 'max_message_size|close': 1 });
      }
    }
  });
}

test('refuses an oversize frame at its header, before one payload byte is forwarded', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: limit } });
  relay.client.send(clientFrame('', { opcode: 2, length: 1001 }));
  await answerClose(relay.upstream);
  expect((await relay.client.closeFrame()).code).toBe(1009);
  await goodbye(relay);
  expect((await relay.upstream.rest()).length).toBe(0);
});

test('names a length beyond 2^53 exactly, and refuses it in report mode and without a limit too', async () => {
  for (const length of [2n ** 63n - 1n, 2n ** 53n + 1n, 2n ** 53n]) {
    await using relay = await openRelay({ mode: 'report' });
    relay.client.send(clientFrame('', { opcode: 2, length }));
    await answerClose(relay.upstream);
    const { code, reason } = await relay.client.closeFrame();
    expect([code, reason]).toEqual([1009, `message of ${length} bytes exceeds 9007199254740991 (route test)`]);
  }
});

test('says "at least" where the last fragment is still to come', async () => {
  await using relay = await openRelay({ client: { maxMessageBytes: 1000 } });
  relay.client.send(clientFrame(Buffer.alloc(600), { fin: false }));
  relay.client.send(clientFrame(Buffer.alloc(600), { opcode: 0, fin: false }));
  await answerClose(relay.upstream);
  const { reason } = await relay.client.closeFrame();
  expect(reason).toBe('message of at least 1200 bytes exceeds 1000 (route test)');
  expect(await relay.violated).toMatchObject({ observed: 1200, partial: true });
});

test('refuses the frame that exceeds max_frame_size', async () => {
  await using relay = await openRelay({ client: { maxFrameBytes: 100 } });
  relay.client.send(clientFrame(Buffer.alloc(100), { fin: false }));
  relay.client.send(clientFrame(Buffer.alloc(101), { opcode: 0 }));
  await answerClose(relay.upstream);
  const { code, reason } = await relay.client.closeFrame();
  expect([code, reason]).toEqual([1009, 'frame of 101 bytes exceeds 100 (route test)']);
  await goodbye(relay);
  expect((await relay.ended).reason).toBe('frame_too_big');
});

test('refuses the fragment after max_fragments', async () => {
  await using relay = await openRelay({ upstreamLimits: { maxFragments: 3 } });
  relay.upstream.send(frame('', { fin: false }));
  for (let i = 0; i < 3; i++) relay.upstream.send(frame('', { opcode: 0, fin: false }));
  expect((await relay.upstream.closeFrame()).code).toBe(1008);
  expect((await relay.client.closeFrame()).code).toBe(1008);
  await goodbye(relay);
  expect((await relay.ended).reason).toBe('too_many_fragments');
});

test('ends a message that is begun and never finished', async () => {
  await using relay = await openRelay({ client: { messageTimeoutMs: 300 } });
  relay.client.send(clientFrame('begun', { fin: false }));
  const { code, reason } = await relay.client.closeFrame();
  expect(code).toBe(1008);
  expect(reason).toMatch(/^message took \d+ ms, more than 300 \(route test\)$/);
  await goodbye(relay);
  expect((await relay.ended).reason).toBe('message_timeout');
});

test('report mode counts a message once and closes nothing', async () => {
  await using relay = await openRelay({
    mode: 'report',
    client: { maxMessageBytes: 10, maxFrameBytes: 5, maxFragments: 2 },
  });
  const sent = fragments(100, 5, true);
  relay.client.send(sent);
  relay.client.send(clientFrame('ok'));
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
  expect((await relay.upstream.frame()).payload.toString()).toBe('ok');
  expect(relay.counters.client.violations.rows.map(({ count }) => count)).toEqual([1]);
  expect(await relay.violated).toMatchObject({ action: 'report', sender: 'client' });
});

test('later violations of a connection are told too, together', async () => {
  const hub = new RelayHub();
  await using relay = await openRelay({ registry: hub, mode: 'report', client: { maxMessageBytes: 10 } });
  for (const size of [11, 12, 14, 13]) relay.client.send(clientFrame('x'.repeat(size)));
  expect(await relay.violated).toMatchObject({ observed: 11 });
  await expect.poll(() => hub.furtherViolations.reduce((sum, { times }) => sum + times, 0)).toBe(3);
  expect(hub.furtherViolations.map(({ violation }) => violation.observed)).toContain(14);
});

test('a message rate pauses the sender, loses nothing, and keeps the order', async () => {
  await using relay = await openRelay({ client: { messageRate: { perSecond: 200, burst: 20, action: 'pause' } } });
  const frames = Array.from({ length: 100 }, (_, i) => clientFrame(`message ${i}`));
  const started = performance.now();
  relay.client.send(Buffer.concat(frames));
  for (let i = 0; i < 100; i++) expect((await relay.upstream.frame()).payload.toString()).toBe(`message ${i}`);
  // 80 messages beyond the burst at 200 per second: it cannot have been faster.
  expect(performance.now() - started).toBeGreaterThan(350);
  expect(relay.counters.client.pauses.rate).toBeGreaterThan(0);
  expect(relay.counters.client.violations.get('max_message_rate', 'pause')).toBeGreaterThan(0);
});

test('a message rate with action close ends the connection with 1008', async () => {
  await using relay = await openRelay({ client: { messageRate: { perSecond: 5, burst: 5, action: 'close' } } });
  relay.client.send(Buffer.concat(Array.from({ length: 6 }, () => clientFrame('x'))));
  expect(await relay.client.closeFrame()).toEqual({
    code: 1008,
    reason: 'more than 5 messages per second (route test)',
  });
});

test('a byte rate pauses the sender and loses nothing', async () => {
  await using relay = await openRelay({
    client: { byteRate: { perSecond: 400_000, burst: 100_000, action: 'pause' } },
  });
  const sent = clientFrame(Buffer.alloc(300_000, 5), { opcode: 2 });
  const started = performance.now();
  relay.client.send(sent);
  expect((await relay.upstream.bytes(sent.length)).equals(sent)).toBe(true);
  // 200 000 bytes beyond the burst; the last read may pass before it is paid for.
  expect(performance.now() - started).toBeGreaterThan(100);
  expect(relay.counters.client.pauses.rate).toBeGreaterThan(0);
});

test('a ping flood is refused while once a second is fine, and pending pongs do not pile up', async () => {
  const controlRate = { perSecond: 50, burst: 200, action: 'close' } as const;
  await using relay = await openRelay({ client: { controlRate } });
  relay.client.pause();
  relay.client.send(Buffer.concat(Array.from({ length: 260 }, () => clientFrame('x'.repeat(125), { opcode: 9 }))));
  await relay.upstream.closeFrame();
  relay.client.resume();
  const { code } = await relay.client.closeFrame();
  expect(code).toBe(1008);
  await goodbye(relay);
  expect((await relay.ended).reason).toBe('control_flood');
});
