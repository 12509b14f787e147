import { expect, test } from 'vitest';
import { keepFixed } from '../../../../src/config/model/fixed.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import type { Config } from '../../../../src/config/types.ts';

function config(top: string): Config {
  const loaded = loadConfig('f', `${top}\nroutes: [{name: a, upstream: "http://h"}]\n`);
  if ('errors' in loaded) throw new Error(loaded.errors[0]!.message);
  return loaded.config;
}

test('addresses, the token file and whether there is TLS stay, and each key that differs is named', () => {
  const current = config('listen: {address: "h:1"}\nadmin: {address: "127.0.0.1:2"}');
  const next = config(
    'listen: {address: "h:3", tls: {cert: /c, key: /k}, trusted_proxies: [10.0.0.1]}\nadmin: {address: "127.0.0.1:4", token_file: /t}',
  );
  const kept = keepFixed(current, next);
  expect(kept.differs).toEqual(['listen.address', 'admin.address', 'admin.token_file', 'listen.tls']);
  expect(kept.config.listen).toEqual({ ...current.listen, trustedProxies: ['10.0.0.1'] });
  expect(kept.config.admin).toEqual(current.admin);
});

test('everything else is as it is now, the files of TLS too', () => {
  const current = config('listen: {tls: {cert: /c, key: /k}}\nmemory: {max_buffered: 64MiB}');
  const next = config('listen: {tls: {cert: /c2, key: /k2}}\nmemory: {max_buffered: 65MiB}\ntimeouts: {close: 1s}');
  expect(keepFixed(current, next)).toEqual({ config: next, differs: [] });
});
