import { expect, test } from 'vitest';
import { Endpoint } from '../../../src/routing/endpoints.ts';

const target = { protocol: 'http:', host: 'panel', port: 5006, href: 'http://panel:5006' } as const;

test('a lease gives itself back once', () => {
  const endpoint = new Endpoint(target);
  const lease = endpoint.lease();
  {
    using other = endpoint.lease();
    expect(other.target).toBe(target);
    expect(endpoint.leases).toBe(2);
  }
  expect(endpoint.leases).toBe(1);
  lease[Symbol.dispose]();
  lease[Symbol.dispose]();
  expect(endpoint.leases).toBe(0);
});
