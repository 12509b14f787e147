/** Where a path leads, as operators ask it. */
import { expect, test } from 'vitest';
import { askAdmin } from '../../helpers/admin-client.ts';
import { hubGateway } from '../../helpers/hub.ts';

const target = 'http://127.0.0.1:1';

/** A gateway before the hub's routes and one of the file. */
async function start(api = '') {
  const more = `routes: [{name: grafana, match: {hosts: [grafana.example], path: /x}, upstream: '${target}'}]\n`;
  const templates = 'templates: [{name: servers, kind: server}, {name: rooms, kind: server, path: /api/room}]';
  let now = 1_000_000;
  const hub = await hubGateway({ api: `${templates}${api}`, more, admin: 'everything', now: () => now });
  const find = async (query: Record<string, string>) => {
    const { status, json } = await askAdmin(hub.adminPort, `/api/routes/find?${new URLSearchParams(query)}`);
    return { status, json };
  };
  return { hub, find, at: (ms: number) => (now = ms) };
}

test('a route of the hub is found by each path below its own, with the template that holds there', async () => {
  const { hub, find, at } = await start();
  await hub.set('/', target, { hub: true });
  at(2_000_000);
  await hub.set('/user/ann%40uni', `${target}/base/`, { user: 'ann@uni', secret: 'x' });
  const ann = {
    name: 'servers',
    metrics_route: 'servers',
    set_by: 'api',
    match: { hosts: [], path: '/user/ann@uni' },
    upstream: `${target}/base`,
    last_activity: '1970-01-01T00:33:20.000Z',
  };
  for (const path of ['/user/ann@uni', '/user/ann%40uni/', '/user/ann@uni/lab?x=/user/bob']) {
    expect(await find({ path }), path).toEqual({ status: 200, json: ann });
  }
  const room = await find({ path: '/user/ann@uni/api/room/x' });
  expect(room.json).toEqual({ ...ann, name: 'rooms', metrics_route: 'rooms' });
  expect((await find({ path: '/user/bob' })).json).toMatchObject({ match: { path: '/' }, set_by: 'api' });
  await hub.api('/user/ann%40uni', { method: 'DELETE' });
  expect((await find({ path: '/user/ann@uni' })).json.match.path).toBe('/');
});

test('a route of the file, by its host', async () => {
  const { hub, find } = await start();
  await hub.set('/', target, { hub: true });
  expect(await find({ path: '/x/y', host: 'Grafana.Example:443' })).toEqual({
    status: 200,
    json: {
      name: 'grafana',
      metrics_route: 'grafana',
      set_by: 'file',
      match: { hosts: ['grafana.example'], path: '/x' },
      upstream: target,
      last_activity: null,
    },
  });
  expect((await find({ path: '/x/y' })).json.set_by).toBe('api');
});

test('with hosts in the paths of the API', async () => {
  const { hub, find } = await start(', hosts: true');
  await hub.set('/ann.example/user', target, { user: 'ann' });
  const { json } = await find({ path: '/user/x', host: 'ann.example' });
  expect(json.match).toEqual({ hosts: ['ann.example'], path: '/user' });
  await hub.set('/ann.example', target, { hub: true });
  const root = await find({ path: '/other', host: 'ann.example' });
  expect(root.json.match).toEqual({ hosts: ['ann.example'], path: '/' });
  expect((await find({ path: '/user/x', host: 'bob.example' })).status).toBe(404);
});

test('no route, one of two, and what is no question', async () => {
  const { hub, find } = await start();
  expect(await find({ path: '/user/ann' })).toMatchObject({ status: 404, json: { error: { code: 'no_route' } } });
  await hub.set('/user/ann', target, { user: 'ann' });
  const between = await find({ path: '/user/bob%2F..%2Fann' });
  expect(between).toMatchObject({ status: 404, json: { error: { code: 'ambiguous_path' } } });
  expect(between.json.error.what).toContain('/user/ann');
  for (const query of [{}, { path: '' }, { path: 'user' }, { path: '/ü' }, { path: `/${'x'.repeat(5000)}` }]) {
    expect(await find(query as Record<string, string>)).toMatchObject({
      status: 400,
      json: { error: { code: 'bad_query' } },
    });
  }
  expect((await find({ path: '/a', host: 'a b' })).status).toBe(400);
  expect((await find({ path: '/a', hosts: 'a' })).json.error.remedy).toContain('there is no hosts');
});
