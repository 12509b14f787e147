/** The caps of a template count for all its routes together, whoever set them. */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { hubGateway } from '../../helpers/hub.ts';
import type { Peer } from '../../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/until.ts';

/** A gateway before servers of three users, and what a handshake is answered with. */
async function start(servers: string, listens = '') {
  const upstream = await fakeUpstream();
  const templates = `templates: [{name: servers, kind: server, ${servers}}, {name: rooms, kind: server, path: /api/room}]`;
  const hub = await hubGateway({ api: templates, listens, more: 'timeouts: {close: 50ms}\n' });
  for (const user of ['ann', 'bob', 'eve']) await hub.set(`/user/${user}`, upstream.port, { user });
  await hub.set('/', upstream.port, { hub: true });
  const open = async (path: string, headers: Record<string, string> = {}): Promise<[status: string, peer: Peer]> => {
    const peer = await rawConnect(hub.port);
    peer.sendText(handshakeRequest({ path, headers }));
    return [(await peer.head()).slice(9, 12), peer];
  };
  return {
    hub,
    upstream,
    open,
    statusOf: async (path: string, as?: Record<string, string>) => (await open(path, as))[0],
  };
}

test('connections.max is that of all users’ servers, and of nothing else', async () => {
  const { hub, upstream, open, statusOf } = await start('limits: {connections: {max: 2}}');
  await using _ = upstream;
  const [, first] = await open('/user/ann/ws');
  expect(await statusOf('/user/bob/ws')).toBe('101');
  for (const user of ['ann', 'bob', 'eve']) expect(await statusOf(`/user/${user}/ws`), user).toBe('503');
  expect(await statusOf('/user/eve/api/room/x')).toBe('101');
  expect(await statusOf('/hub/ws')).toBe('101');
  // Routes that are set anew, and new ones, find the places taken.
  await hub.set('/user/ann', upstream.port, { user: 'ann', more: true });
  await hub.api('/user/bob', { method: 'DELETE' });
  await hub.set('/user/new', upstream.port, { user: 'new' });
  expect(await statusOf('/user/new/ws')).toBe('503');
  first.reset();
  await until(() => hub.log.some(({ event }) => event === 'end'));
  expect(await statusOf('/user/new/ws')).toBe('101');
  expect(await statusOf('/user/ann/ws')).toBe('503');
});

test('connections.max_per_user is that of one person at all servers', async () => {
  const limits = 'identity: {header: X-Forwarded-User}, limits: {connections: {max_per_user: 2}}';
  const { upstream, statusOf } = await start(limits, 'trusted_proxies: [127.0.0.0/8]');
  await using _ = upstream;
  const as = (user: string) => ({ 'X-Forwarded-User': user });
  expect(await statusOf('/user/ann/ws', as('ann'))).toBe('101');
  expect(await statusOf('/user/bob/ws', as('ann'))).toBe('101');
  for (const user of ['ann', 'bob', 'eve']) expect(await statusOf(`/user/${user}/ws`, as('ann')), user).toBe('429');
  expect(await statusOf('/user/ann/ws', as('bob'))).toBe('101');
  expect(await statusOf('/user/ann/api/room/x', as('ann'))).toBe('101');
});
