import { describe, expect, test } from 'vitest';
import { accessWarnings, proxyProtocolWarnings, rateWarnings } from '../../../../src/config/model/edge-warnings.ts';
import { builtInTop } from '../../../../src/config/model/top-settings.ts';
import type { Access } from '../../../../src/config/types.ts';
import { anyRate, openAccess } from '../../../helpers/access.ts';

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
    rateWarnings({ rates: { ...anyRate, ...rates } }, { ...listen, ...more });

  test('below what one page asks for', () => {
    expect(of({ requestsPerAddress: rate(79) })).toEqual([expect.stringContaining('burst of 79')]);
    expect(of({ requestsPerAddress: rate(80), handshakesPerAddress: rate(1) })).toEqual([]);
  });

  test('of everybody together, where nobody says who the clients are', () => {
    expect(of({ handshakesPerAddress: rate(10) }, {})).toEqual([expect.stringContaining('listen.trusted_proxies')]);
    expect(of({}, {})).toEqual([]);
  });
});
