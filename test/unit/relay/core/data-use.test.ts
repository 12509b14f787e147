import { expect, test, vi } from 'vitest';
import { DataUse } from '../../../../src/relay/core/data-use.ts';
import { SenderRecord } from '../../../../src/relay/core/sender-record.ts';
import { ManualClock } from '../../../helpers/clock.ts';

function setUp(ofUpstream = false) {
  const clock = new ManualClock();
  const [client, upstream] = [new SenderRecord(), new SenderRecord()];
  const seen = vi.fn();
  const use = new DataUse({ client, upstream, activity: { seen, ofUpstream }, clock });
  return { clock, client, upstream, seen, use };
}

test('data is as old as the tick that saw it, and what no tick has seen yet has come now', () => {
  const { clock, client, upstream, use } = setUp();
  const openedAt = clock.now();
  clock.advance(1000);
  expect(use.lastAt).toBe(openedAt);
  client.payloadBytes = 5;
  expect(use.lastAt).toBe(openedAt + 1000);
  use.tick(clock.now());
  clock.advance(1000);
  expect(use.lastAt).toBe(openedAt + 1000);
  use.tick(clock.now());
  expect(use.lastAt).toBe(openedAt + 1000);
  upstream.payloadBytes = 1;
  expect(use.lastAt).toBe(openedAt + 2000);
});

test.each([false, true])(
  'use is told of once for all messages since the last time; those of the upstream: %s',
  (own) => {
    const { client, upstream, seen, use } = setUp(own);
    use.note();
    expect(seen).not.toHaveBeenCalled();
    // A message that comes, and an empty one.
    client.payloadBytes = 10;
    use.note();
    client.messages++;
    use.note();
    use.note();
    expect(seen).toHaveBeenCalledTimes(2);
    upstream.messages++;
    use.note();
    expect(seen).toHaveBeenCalledTimes(own ? 3 : 2);
  },
);

test('where nobody wants to know, nobody is told', () => {
  const [client, upstream] = [new SenderRecord(), new SenderRecord()];
  const use = new DataUse({ client, upstream, activity: null, clock: new ManualClock() });
  client.messages++;
  expect(() => use.note()).not.toThrow();
});
