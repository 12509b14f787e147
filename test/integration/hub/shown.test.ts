/** What operators are shown of the routes that a program sets: they stand under their templates. */
import { expect, test } from 'vitest';
import { askAdmin } from '../../helpers/admin-client.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { hubGateway } from '../../helpers/hub.ts';
import { rawClient } from '../../helpers/raw-client.ts';

test('templates are in force, with the source of each setting, and so is the route of a connection', async () => {
  await using upstream = await fakeUpstream();
  const hub = await hubGateway({
    admin: 'everything',
    api: 'templates: [{name: rest, kind: other, limits: {client: {max_queue: 7}}}]',
  });
  await hub.set('/a', upstream.port);
  const client = await rawClient(hub.port, { path: '/a/ws' });
  await upstream.next();
  const { json: shown } = await askAdmin(hub.adminPort, '/api/routes');
  const setting = { value: 7, source: { from: 'route', file: 'hub.yaml', line: 3 } };
  expect(shown.routes).toContainEqual(
    expect.objectContaining({
      name: 'rest',
      in_force: true,
      live: expect.objectContaining({ connections: 1 }),
      settings: expect.objectContaining({ 'limits.client.max_queue': expect.objectContaining(setting) }),
    }),
  );
  expect(shown.routes.filter(({ in_force }: { in_force: boolean }) => !in_force)).toEqual([]);
  const { json: page } = await askAdmin(hub.adminPort, '/api/connections?route=rest');
  const { json: whole } = await askAdmin(hub.adminPort, `/api/connections/${page.connections[0].id}`);
  expect(whole.route_in_force).toBe(true);
  expect(whole.settings['limits.client.max_queue']).toMatchObject(setting);
  client.end();
});
