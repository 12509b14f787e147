import { describe, expect, test } from 'vitest';
import {
  accessWarnings,
  proxyProtocolWarnings,
  rateWarnings,
  userWarnings,
} from '../../../../src/config/model/edge-warnings.ts';
import { reportedHandshakes } from '../../../../src/config/model/page-loads.ts';
import { builtInTop } from '../../../../src/config/model/top-settings.ts';
import type { Access } from '../../../../src/config/types.ts';
import { anyCaps, anyRate, openAccess } from '../../../helpers/access.ts';

const listen = { ...builtInTop.listen, tls: null };

test.each([['0.0.0.0/0'], ['::/0']])('everybody may send the PROXY protocol: %s', (network) => {
  expect(proxyProtocolWarnings({ proxyProtocol: ['10.0.0.1', network] })).toEqual([expect.stringContaining(network)]);
  expect(proxyProtocolWarnings({ proxyProtocol: ['10.0.0.0/8'] })).toEqual([]);
});

describe('access', () => {
  const of = (access: Partial<Access>, more: Partial<typeof listen> = {}) =>
    accessWarnings({ access: { ...openAccess, ...access } }, { ...listen, ...more });

  test.each<Access['networks']>([
    { allow: ['10.0.0.0/8'], deny: [] },
    { allow: null, deny: ['10.0.0.0/8'] },
  ])('by networks, where nobody says who the clients are: %j', (networks) => {
    expect(of({ networks })).toEqual([expect.stringContaining('access.networks')]);
    expect(of({ networks }, { trustedProxies: ['10.0.0.1'] })).toEqual([]);
    expect(of({ networks }, { proxyProtocol: ['10.0.0.1'] })).toEqual([]);
  });

  test.each<Access['methods']>([
    { allow: ['POST'], deny: [] },
    { allow: null, deny: ['GET'] },
    { allow: ['GET'], deny: ['GET'] },
  ])('without GET: %j', (methods) => {
    expect(of({ methods })).toEqual([expect.stringContaining('GET')]);
  });

  test('nothing else', () => {
    expect(of({})).toEqual([]);
    expect(of({ methods: { allow: ['GET', 'HEAD'], deny: ['PUT'] } })).toEqual([]);
  });
});

describe('rates', () => {
  const rate = (burst: number) => ({ perSecond: 10, burst, action: 'close' }) as const;
  const of = (rates: Partial<typeof anyRate>, more: Partial<typeof listen> = { trustedProxies: ['10.0.0.1'] }) =>
    rateWarnings({ rates: { ...anyRate, ...rates }, preset: null }, { ...listen, ...more });

  test('below what one page asks for', () => {
    expect(of({ requestsPerAddress: rate(79) })).toEqual([expect.stringContaining('burst of 79')]);
    expect(of({ requestsPerAddress: rate(80), handshakesPerAddress: rate(1) })).toEqual([]);
  });

  test('below what one page of the preset asks for', () => {
    const trusted = { ...listen, trustedProxies: ['10.0.0.1'] };
    const rates = { ...anyRate, requestsPerAddress: rate(159), handshakesPerAddress: rate(7) };
    expect(rateWarnings({ rates, preset: 'jupyter' }, trusted)).toEqual([
      expect.stringContaining('burst of 159, and one page may be 160 requests'),
      expect.stringContaining('burst of 7, and one page may be 8 WebSocket handshakes'),
    ]);
    expect(rateWarnings({ rates, preset: 'panel' }, trusted)).toEqual([]);
  });

  test('nothing of a rate that is only a preset’s', () => {
    const rates = { ...anyRate, handshakesPerAddress: reportedHandshakes('jupyter') };
    expect(rateWarnings({ rates, preset: 'jupyter' }, listen)).toEqual([]);
  });

  test('of everybody together, where nobody says who the clients are', () => {
    expect(of({ handshakesPerAddress: rate(10) }, {})).toEqual([expect.stringContaining('listen.trusted_proxies')]);
    expect(of({}, {})).toEqual([]);
  });
});

describe('users', () => {
  const rate = { perSecond: 10, burst: 100, action: 'close' } as const;
  const capped = { rates: { ...anyRate, handshakesPerUser: rate, requestsPerUser: rate }, connections: anyCaps };
  const route = { rates: anyRate, connections: { ...anyCaps, maxPerUser: 3 }, auth: null, identity: null };
  const path = { segments: ['user', null] };

  test('whom nobody knows', () => {
    expect(userWarnings(route)).toEqual([expect.stringContaining('limits.connections.max_per_user: no user is known')]);
    expect(userWarnings({ ...route, ...capped })).toEqual([
      expect.stringContaining('rates.handshakes_per_user and rates.requests_per_user: no user'),
    ]);
    expect(userWarnings({ ...route, connections: anyCaps })).toEqual([]);
    expect(userWarnings({ ...route, auth: [] })).toEqual([]);
    expect(userWarnings({ ...route, identity: { header: 'x-user' } })).toEqual([]);
  });

  test('whom anybody may name', () => {
    const connections = { ...route.connections, onLimit: 'evict_oldest' } as const;
    expect(userWarnings({ ...route, identity: path })).toEqual([expect.stringMatching(/used up\. Set auth/)]);
    expect(userWarnings({ ...route, identity: path, connections })).toEqual([
      expect.stringContaining('and nobody is evicted'),
    ]);
  });

  test('whose rate is below what one page asks for', () => {
    const rates = { ...anyRate, requestsPerUser: { ...rate, burst: 79 } };
    expect(rateWarnings({ rates, preset: null }, listen)).toEqual([
      expect.stringContaining('rates.requests_per_user has a burst of 79'),
    ]);
  });
});
