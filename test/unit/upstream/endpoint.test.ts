import { expect, test } from 'vitest';
import { Endpoint, endpointKey } from '../../../src/upstream/endpoint.ts';
import { testConnector } from '../../helpers/connector.ts';
import { noUpstreamTls, testRoute } from '../../helpers/relay.ts';

const upstream = { protocol: 'https:', host: 'panel', port: 5006, href: 'https://panel:5006' } as const;
const route = testRoute({ name: 'a', upstream });

test('a lease gives itself back once', () => {
  const endpoint = new Endpoint(route, testConnector());
  const lease = endpoint.lease();
  {
    using other = endpoint.lease();
    expect(other.endpoint.target).toBe(upstream);
    expect(endpoint.leases).toBe(2);
  }
  expect(endpoint.leases).toBe(1);
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  expect(endpoint.leases).toBe(0);
});

test('another route, another address and another trust are another endpoint; other bounds are not', () => {
  const key = endpointKey(route);
  expect(endpointKey({ ...route, http: { ...route.http, maxUpstreamConnections: 1 } })).toBe(key);
  expect(endpointKey({ ...route, name: 'b' })).not.toBe(key);
  expect(endpointKey({ ...route, upstream: { ...upstream, href: 'https://panel:5007' } })).not.toBe(key);
  expect(endpointKey({ ...route, upstreamTls: { ...noUpstreamTls, ca: '/ca.crt' } })).not.toBe(key);
});
