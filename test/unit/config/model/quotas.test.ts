import { describe, expect, test } from 'vitest';
import { quotaWarnings } from '../../../../src/config/model/edge-warnings.ts';
import { keepFixed } from '../../../../src/config/model/fixed.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';

const load = (quotas: string) => loadConfig('f', `${quotas}\nroutes: [{name: a, upstream: "http://h"}]\n`);

function configOf(quotas: string) {
  const loaded = load(quotas);
  if ('errors' in loaded) throw new Error(loaded.errors[0]!.message);
  return loaded.config;
}

function errorsOf(quotas: string): string[] {
  const loaded = load(quotas);
  return 'errors' in loaded ? loaded.errors.map(({ path, message }) => `${path}: ${message}`) : [];
}

test('without the section each pod counts alone', () => {
  expect(configOf('').quotas).toBeNull();
});

test('a store says where it is, and the rest is built in', () => {
  expect(configOf('quotas: {store: "redis://redis"}').quotas).toEqual({
    target: { protocol: 'http:', host: 'redis', port: 6379, href: 'redis://redis' },
    database: 0,
    username: null,
    passwordFile: null,
    timeoutMs: 250,
    prefix: 'sluice',
    tls: { ca: null, serverName: null, clientCert: null, clientKey: null, insecureSkipVerify: false },
  });
  expect(configOf('quotas: {store: "rediss://[::1]:6380/3", tls: {ca: /ca}}').quotas).toMatchObject({
    target: { protocol: 'https:', host: '::1', port: 6380 },
    database: 3,
    tls: { ca: '/ca' },
  });
});

describe('mistakes', () => {
  test.each([
    ['quotas: {prefix: a}', 'quotas.store: is missing; write redis://host:6379, or rediss://host:6379 for TLS'],
    [
      'quotas: {store: "redis://:secret@redis"}',
      'quotas.store: "redis://:secret@redis" holds a user or password, which would reach the log; write redis://host:6379, or rediss://host:6379 for TLS, with quotas.username and quotas.password_file',
    ],
    ['quotas: {store: "redis://a/x"}', 'quotas.store: "redis://a/x" has no number of a database behind the host'],
    ['quotas: {store: "http://a"}', 'quotas.store: "http://a" is not the URL of a store'],
    [
      'quotas: {store: "redis://a", username: u}',
      'quotas.username: "u" has no password; add quotas.password_file: PATH',
    ],
    [
      'quotas: {store: "rediss://a", tls: {client_cert: /c}}',
      'quotas.tls.client_cert: "/c" stands alone; add quotas.tls.client_key: PATH',
    ],
    [
      'quotas: {store: "rediss://a", tls: {client_key: /k}}',
      'quotas.tls.client_key: "/k" stands alone; add quotas.tls.client_cert: PATH',
    ],
    [
      'quotas: {store: "redis://a", tls: {ca: /c}}',
      'quotas.tls: does nothing, as "redis://a" is without TLS; write rediss:// there, or remove it',
    ],
  ])('%s', (quotas, error) => {
    expect(errorsOf(quotas)).toEqual([expect.stringContaining(error)]);
  });
});

test('the whole section holds until a restart', () => {
  const current = configOf('quotas: {store: "redis://a", password_file: /p}');
  for (const other of ['', 'quotas: {store: "redis://a", password_file: /q}']) {
    const kept = keepFixed(current, configOf(other));
    expect(kept.differs).toEqual(['quotas']);
    expect(kept.config.quotas).toEqual(current.quotas);
  }
  expect(keepFixed(configOf(''), current).config.quotas).toBeNull();
});

test('a password that goes over a network in clear is warned of', () => {
  const warningsOf = (quotas: string) => quotaWarnings(configOf(quotas).quotas);
  expect(warningsOf('quotas: {store: "redis://redis:6379", password_file: /p}')).toEqual([
    expect.stringMatching(/password to redis in clear.*Write rediss:\/\/redis:6379/),
  ]);
  for (const fine of ['rediss://redis', 'redis://localhost', 'redis://127.0.0.1', 'redis://[::1]']) {
    expect(warningsOf(`quotas: {store: "${fine}", password_file: /p}`)).toEqual([]);
  }
  expect(warningsOf('quotas: {store: "redis://redis"}')).toEqual([]);
  expect(warningsOf('')).toEqual([]);
});
