import { expect, test, vi } from 'vitest';
import type { Route } from '../../../src/config/types.ts';
import { LastingRoutes } from '../../../src/front/lasting.ts';
import { CounterStore } from '../../../src/observe/metrics/store.ts';
import { type ApiRoute, ApiRoutes } from '../../../src/routes/api-routes.ts';
import { anyCaps } from '../../helpers/access.ts';
import { testConnector } from '../../helpers/connector.ts';
import { testRoute } from '../../helpers/relay.ts';
import { calmParts } from '../../helpers/visit.ts';

const caps = { ...anyCaps, max: 10, maxPerAddress: 10 };
const at = (port: number) => ({ protocol: 'http:', host: 'h', port, href: `http://h:${port}` }) as const;
const route = (name: string, port: number) => testRoute({ name, upstream: at(port) });

test('a route that stays keeps its slots, and its endpoint at the same upstream', () => {
  const lasting = new LastingRoutes(new CounterStore(), testConnector(), calmParts);
  const [slots, endpoint] = [lasting.slotsOf('a'), lasting.endpointOf(route('a', 1))];
  lasting.keepOnly([route('a', 1)]);
  expect(lasting.slotsOf('a')).toBe(slots);
  expect(lasting.endpointOf(route('a', 1))).toBe(endpoint);
  expect(lasting.endpointOf(route('a', 2))).not.toBe(endpoint);
  expect(lasting.endpointOf(route('b', 1))).not.toBe(endpoint);
});

test('what is gone is kept while a connection holds it, and is found again when it returns', () => {
  const lasting = new LastingRoutes(new CounterStore(), testConnector(), calmParts);
  const [slots, endpoint] = [lasting.slotsOf('a'), lasting.endpointOf(route('a', 1))];
  const [slot, lease] = [slots.take({ address: '1.2.3.4', user: null }, caps) as Disposable, endpoint.lease()];
  lasting.keepOnly([]);
  expect(lasting.slotsOf('a')).toBe(slots);
  expect(lasting.endpointOf(route('a', 1))).toBe(endpoint);
  slot[Symbol.dispose]();
  lease[Symbol.dispose]();
  lasting.keepOnly([]);
  expect(lasting.slotsOf('a')).not.toBe(slots);
  expect(lasting.endpointOf(route('a', 1))).not.toBe(endpoint);
});

test('endpoints of an API’s routes that nobody uses are forgotten when they are many, and no other', () => {
  const lasting = new LastingRoutes(new CounterStore(), testConnector(), calmParts);
  const routes = new ApiRoutes(false);
  for (let i = 0; i < 1001; i++) routes.set(`/user/${i}`, '{"target":"http://127.0.0.1:1"}', 0);
  const [used, unused, ...others] = [...routes.all()];
  const template = route('servers', 1);
  const endpoint = lasting.endpointOfApi(used!, template);
  using lease = endpoint.lease();
  const idle = lasting.endpointOfApi(unused!, template);
  for (const other of others.slice(0, -1)) lasting.endpointOfApi(other, template);
  expect(lasting.endpointOfApi(unused!, template), 'they are few').toBe(idle);
  lasting.endpointOfApi(others.at(-1)!, template);
  expect(lasting.endpointOfApi(used!, template)).toBe(endpoint);
  expect(lasting.endpointOfApi(unused!, template)).not.toBe(idle);
  expect(lease.endpoint.target.port).toBe(1);
});

/** The endpoint of a route of the file, and that of an API's route under it as a template. */
const kinds = [
  ['the file', (lasting: LastingRoutes, of: Route) => lasting.endpointOf(of)],
  ['an API', (lasting: LastingRoutes, of: Route) => lasting.endpointOfApi(ofApi, of)],
] as const;
const apiRoutes = new ApiRoutes(false);
apiRoutes.set('/user/ann', '{"target":"http://127.0.0.1:1"}', 0);
const [ofApi] = [...apiRoutes.all()] as [ApiRoute];

test.each(kinds)('a request from before a reload brings no bounds of that time back (%s)', (_kind, endpointOf) => {
  const lasting = new LastingRoutes(new CounterStore(), testConnector(), calmParts);
  const [before, after, later] = [route('a', 1), route('a', 1), route('a', 1)];
  const endpoint = endpointOf(lasting, before);
  const bounds = vi.spyOn(endpoint, 'use');
  lasting.keepOnly([after]);
  expect(endpointOf(lasting, after)).toBe(endpoint);
  expect(endpointOf(lasting, before)).toBe(endpoint);
  expect(bounds.mock.calls.map(([of]) => of === after)).toEqual([true]);
  lasting.keepOnly([later]);
  expect(endpointOf(lasting, after)).toBe(endpoint);
  expect(endpointOf(lasting, later)).toBe(endpoint);
  expect(bounds.mock.calls.map(([of]) => of === later)).toEqual([false, true]);
});
