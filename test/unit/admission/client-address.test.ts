import { describe, expect, test } from 'vitest';
import { forwardingOfApi, originationOf } from '../../../src/admission/client-address.ts';
import { plainAddress } from '../../../src/admission/ip.ts';
import { Networks } from '../../../src/admission/networks.ts';
import { Changes } from '../../../src/http/changes.ts';

const proxies = new Networks(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

function of(address: string | null, headers: [string, string][] = []) {
  return originationOf(headers.flat(), { address, scheme: 'http', host: 'apps.test:8080' }, proxies);
}
const forwarded = (origination: ReturnType<typeof of>) => Object.fromEntries(origination.forwarding);

describe('an address', () => {
  test.each([
    ['10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::FFFF:10.1.2.3', '10.1.2.3'],
    ['10.1.2.3:4711', '10.1.2.3'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    ['[::1]', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:10.1.2', null],
    ['unknown', null],
    ['_hidden', null],
    ['', null],
    ['10.1.2.256', null],
  ])('%j is read as %j', (text, plain) => {
    expect(plainAddress(text)).toBe(plain);
  });

  test('is trusted in its network, and the other family is not', () => {
    expect(['10.9.9.9', '192.0.2.7', 'fd12::1'].map((address) => proxies.includes(address))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['11.0.0.1', '192.0.2.8', '::1', 'unix'].map((address) => proxies.includes(address))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('a peer that is not trusted', () => {
  test('speaks for itself only', () => {
    const origination = of('203.0.113.5', [
      ['X-Forwarded-For', '1.2.3.4'],
      ['X-Forwarded-Proto', 'https'],
    ]);
    expect(origination).toMatchObject({
      address: '203.0.113.5',
      scheme: 'http',
      trusted: false,
      untrustedHeaders: true,
    });
    expect(forwarded(origination)).toEqual({
      'X-Forwarded-For': '203.0.113.5',
      'X-Forwarded-Proto': 'http',
      'X-Forwarded-Host': 'apps.test:8080',
      'X-Real-IP': '203.0.113.5',
      'X-Scheme': 'http',
    });
  });

  test.each(['forwarded', 'X-Forwarded-Prefix', 'x-real-ip', 'X-Scheme', 'X-Original-Forwarded-For'])(
    'is noticed when it sends %s',
    (name) => {
      expect(of('203.0.113.5', [[name, 'x']]).untrustedHeaders).toBe(true);
    },
  );

  test('is not noticed for other headers, nor for a value that looks like one', () => {
    expect(
      of('203.0.113.5', [
        ['X-Other', 'x-real-ip'],
        ['Forwarded-Not', 'x'],
      ]).untrustedHeaders,
    ).toBe(false);
  });
});

describe('a trusted peer', () => {
  test('names the client: the first address from the right that is not trusted', () => {
    const origination = of('10.0.0.1', [
      ['X-Forwarded-For', '6.6.6.6, 203.0.113.9'],
      ['x-forwarded-for', '192.0.2.7,,10.0.0.2'],
    ]);
    expect(origination).toMatchObject({ address: '203.0.113.9', trusted: true, untrustedHeaders: false });
    expect(forwarded(origination)).toMatchObject({
      'X-Forwarded-For': '6.6.6.6, 203.0.113.9, 192.0.2.7, 10.0.0.2, 10.0.0.1',
      'X-Real-IP': '203.0.113.9',
    });
  });

  test('is the client where it names nobody', () => {
    expect(of('10.0.0.1').address).toBe('10.0.0.1');
  });

  test('makes the leftmost address the client where all are trusted', () => {
    expect(of('10.0.0.1', [['X-Forwarded-For', '10.0.0.3, 10.0.0.2']]).address).toBe('10.0.0.3');
  });

  test('is believed up to a word that is no address', () => {
    expect(of('10.0.0.1', [['X-Forwarded-For', '203.0.113.9, unknown, 10.0.0.2']]).address).toBe('10.0.0.2');
  });

  test.each([
    ['https', 'https'],
    ['https,http', 'https'],
    ['WSS', 'https'],
    ['ws', 'http'],
    ['http', 'http'],
    ['gopher', 'http'],
  ])('with the scheme %j makes it %j', (value, scheme) => {
    const origination = of('::ffff:10.0.0.1', [['X-Forwarded-Proto', value]]);
    expect(origination.scheme).toBe(scheme);
    expect(forwarded(origination)).toMatchObject({ 'X-Forwarded-Proto': scheme, 'X-Scheme': scheme });
  });

  test('may name scheme and host in other headers', () => {
    const origination = of('10.0.0.1', [
      ['X-Scheme', 'https'],
      ['X-Forwarded-Host', 'outer.test, inner.test'],
    ]);
    expect(origination).toMatchObject({ scheme: 'https', host: 'outer.test' });
  });
});

describe('a peer on a unix socket', () => {
  test('is trusted, as only local programs reach it', () => {
    const origination = of(null, [['X-Forwarded-For', '203.0.113.9']]);
    expect(origination).toMatchObject({ address: '203.0.113.9', trusted: true });
    expect(forwarded(origination)['X-Forwarded-For']).toBe('203.0.113.9');
  });

  test('has no address where it names nobody', () => {
    const origination = of(null);
    expect(origination.address).toBe('unix');
    expect(forwarded(origination)['X-Forwarded-For']).toBe('unix');
  });
});

describe('the target of an API’s route', () => {
  const told = (origination: ReturnType<typeof of>, change?: (changes: Changes) => void) => {
    const changes = change === undefined ? null : new Changes();
    if (changes !== null) change!(changes);
    return Object.fromEntries(forwardingOfApi(origination, changes));
  };
  const proxied: [string, string][] = [
    ['X-Forwarded-For', '203.0.113.9'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'apps.test'],
  ];

  test('hears the port that the client came to', () => {
    expect(told(of('203.0.113.5'))).toMatchObject({ 'X-Forwarded-Port': '8080' });
    expect(told(of('10.0.0.1', proxied))).toMatchObject({ 'X-Forwarded-Port': '443' });
    const bare: [string, string][] = [['X-Forwarded-Host', '[2001:db8::1]']];
    expect(told(of('10.0.0.1', bare))).toMatchObject({ 'X-Forwarded-Port': '80' });
  });

  test('hears it once where a trusted peer says it, and that goes on by itself', () => {
    expect(told(of('10.0.0.1', [...proxied, ['x-forwarded-port', '8443']]))).not.toHaveProperty('X-Forwarded-Port');
    expect(told(of('203.0.113.5', [['x-forwarded-port', '1']]))).toMatchObject({ 'X-Forwarded-Port': '8080' });
  });

  test('hears nothing that a rule says otherwise, nor the same in older words', () => {
    const names = (field: string) => Object.keys(told(of('203.0.113.5'), (changes) => changes.setField(field, 'x')));
    expect(names('x-forwarded-proto')).toEqual([
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Real-IP',
      'X-Forwarded-Port',
    ]);
    expect(names('X-Forwarded-For')).toEqual(['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Scheme', 'X-Forwarded-Port']);
    expect(names('X-Other')).toHaveLength(6);
  });

  test('hears, where it is to be told nothing, what a trusted peer said', () => {
    const quiet = (changes: Changes) => {
      changes.forwarded = false;
    };
    expect(told(of('203.0.113.5', proxied), quiet)).toEqual({});
    expect(told(of('10.0.0.1', proxied), quiet)).toEqual(Object.fromEntries(proxied));
  });
});
