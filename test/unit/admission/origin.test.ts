import { expect, test } from 'vitest';
import { checkOrigin } from '../../../src/admission/origin.ts';

const rule = {
  origins: ['https://apps.example.org', 'http://localhost:8888', 'http://[::1]:5006'],
  requireOrigin: false,
};

test.each([
  'https://apps.example.org',
  'https://apps.example.org:443',
  'HTTPS://Apps.Example.org',
  'http://localhost:8888',
  'http://[::1]:5006',
])('admits %j', (origin) => {
  expect(checkOrigin([origin], rule)).toBeNull();
});

test.each([
  'https://apps.example.org.evil.test',
  'https://evil.test/https://apps.example.org',
  'https://evilapps.example.org',
  'https://x.apps.example.org',
  'https://apps.example.org:8443',
  'https://apps.example.org:0443x',
  'https://user@apps.example.org',
  'https://apps.example.org/',
  'https://apps.example.org?',
  'http://apps.example.org',
  'http://apps.example.org:443',
  'http://localhost',
  'wss://apps.example.org',
  'null',
  '',
  'https://apps.example.org https://apps.example.org',
])('refuses %j', (origin) => {
  expect(checkOrigin([origin], rule)).toMatchObject({ outcome: 'origin_refused' });
});

test('refuses two Origin headers, even where every origin is admitted', () => {
  const twice = ['https://apps.example.org', 'https://apps.example.org'];
  expect(checkOrigin(twice, { origins: null, requireOrigin: false })).toMatchObject({ outcome: 'origin_refused' });
});

test('admits a client without an origin unless one is required', () => {
  expect(checkOrigin([], rule)).toBeNull();
  expect(checkOrigin([], { ...rule, requireOrigin: true })).toEqual({
    outcome: 'origin_refused',
    detail: 'no Origin header',
  });
});

test('admits every origin where none are listed', () => {
  expect(checkOrigin(['null'], { origins: null, requireOrigin: true })).toBeNull();
});
