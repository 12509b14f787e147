/** A handshake on its way to the relay. */
import { expect, test } from 'vitest';
import { Tunnel, type TunnelRequest } from '../../../../src/front/careful/tunnel.ts';
import { budgetOf } from '../../../helpers/memory.ts';

test('one that breaks by a mistake of ours gives back what was lent', async () => {
  const given: string[] = [];
  const lent = new DisposableStack();
  lent.defer(() => void given.push('slot'));
  const endpoint = {
    connect: () => Promise.reject(new Error('a mistake')),
    lease: () => ({ endpoint, [Symbol.dispose]: () => void given.push('endpoint') }),
  };
  const request = {
    visit: {
      headerBytes: 100,
      takeLoan: () => lent,
      changes: null,
      headers: [],
      target: '/',
      ask: {},
      signal: new AbortController().signal,
      origination: { forwarding: [], trusted: false },
    },
    route: { endpoint, hub: null, route: { timeouts: { connectMs: 0, handshakeMs: 0 } } },
    memory: budgetOf(),
  };
  await expect(new Tunnel(request as unknown as TunnelRequest).done).rejects.toThrow('a mistake');
  expect(given).toEqual(['endpoint', 'slot']);
});
