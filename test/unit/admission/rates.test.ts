import { expect, test } from 'vitest';
import { RouteRates, rateStep, userRateStep } from '../../../src/admission/rates.ts';
import type { Visit } from '../../../src/admission/visit.ts';
import type { Rate } from '../../../src/catalogue/limit-values.ts';
import { anyRate } from '../../helpers/access.ts';
import { testRoute } from '../../helpers/relay.ts';
import { testVisit } from '../../helpers/visit.ts';

const rate = (perSecond: number, burst: number): Rate => ({ perSecond, burst, action: 'close' });

test('what was asked before a reload counts after it, as long as there is the route', () => {
  const routes = new RouteRates();
  routes.of('r', 'requestsPerAddress', rate(1, 1), 0).take('a', 0);
  expect(routes.of('r', 'requestsPerAddress', rate(10, 1), 0).take('a', 0)).toBe(100);
  expect(routes.of('r', 'handshakesPerAddress', rate(1, 1), 0).take('a', 0)).toBe(0);
  routes.keepOnly(new Set(['r']));
  expect(routes.of('r', 'requestsPerAddress', rate(1, 1), 0).take('a', 0)).toBe(100);
  routes.keepOnly(new Set(['other']));
  expect(routes.of('r', 'requestsPerAddress', rate(1, 1), 0).take('a', 0)).toBe(0);
});

test('a step refuses by the network of an IPv6 address, with the time to come back', () => {
  const route = testRoute({ rates: { ...anyRate, requestsPerAddress: rate(0.1, 1) } });
  const parts = { rates: new RouteRates(), reported: () => {} };
  expect(rateStep(route, 'websocket', parts)).toBe(null);
  const step = rateStep(route, 'http', parts)!;
  expect(step(testVisit({ address: '2001:db8::1' }))).toBe(null);
  expect(step(testVisit({ address: '2001:db8::2' }))).toMatchObject({
    outcome: 'request_rate',
    fields: [['Retry-After', '10']],
  });
  expect(step(testVisit({ address: '2001:db9::1' }))).toBe(null);
});

test('what is beyond the rate of a preset is told, and let in', () => {
  const route = testRoute({ rates: { ...anyRate, handshakesPerAddress: { ...rate(1, 2), isReported: true } } });
  const told: string[] = [];
  const reported = ({ address }: Visit, detail: string) => told.push(`${address}: ${detail}`);
  const step = rateStep(route, 'websocket', { rates: new RouteRates(), reported })!;
  for (let i = 0; i < 4; i++) expect(step(testVisit({ address: '192.0.2.1' }))).toBe(null);
  expect(step(testVisit({ address: '192.0.2.2' }))).toBe(null);
  expect(told).toEqual(new Array(2).fill('192.0.2.1: rates.handshakes_per_address is 1/s with a burst of 2'));
});

test('a user is counted wherever they come from, another one beside, and nobody without a name', () => {
  const route = testRoute({ rates: { ...anyRate, handshakesPerUser: rate(1, 1), requestsPerUser: rate(0.1, 1) } });
  const parts = { rates: new RouteRates(), reported: () => {} };
  const named = (name: string) => ({ name, raw: null, vouched: true });
  expect(userRateStep(testRoute(), 'http', parts)).toBe(null);
  const step = userRateStep(route, 'http', parts)!;
  expect(step(testVisit({ named: named('ann'), address: '192.0.2.1' }))).toBe(null);
  expect(step(testVisit({ named: named('ann'), address: '192.0.2.2' }))).toMatchObject({
    outcome: 'user_request_rate',
    detail: 'rates.requests_per_user is 0.1/s with a burst of 1',
    fields: [['Retry-After', '10']],
  });
  expect(step(testVisit({ named: named('bob') }))).toBe(null);
  for (let i = 0; i < 3; i++) expect(step(testVisit())).toBe(null);
  const handshake = userRateStep(route, 'websocket', parts)!;
  expect(handshake(testVisit({ named: named('ann') }))).toBe(null);
  expect(handshake(testVisit({ named: named('ann') }))).toMatchObject({ outcome: 'user_handshake_rate' });
});

test('many users take no more than the last ten thousand of them', () => {
  const rates = new RouteRates().of('r', 'requestsPerUser', rate(1, 1), 0);
  for (let i = 0; i < 50_000; i++) rates.take(`=user ${i}`, 0);
  expect(rates.size).toBe(10_000);
});
