import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfigs } from '../../../../src/config/model/load.ts';
import { findWarnings } from '../../../../src/config/model/warnings.ts';

const listener = 'listen:\n  address: 127.0.0.1:1\n';
const limits = 'defaults:\n  ping: {client: 9s}\nroutes:\n  - {name: a, upstream: "http://h", preset: panel}\n';

function load(...texts: readonly string[]) {
  return loadConfigs(texts.map((text, i) => ({ file: `${'ab'[i]}.yaml`, text })));
}

function errorsOf(...texts: readonly string[]): string[] {
  const loaded = load(...texts);
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

function valid(...texts: readonly string[]) {
  const loaded = load(...texts);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return loaded;
}

describe('a configuration in two files', () => {
  test('is what both say, in either order', () => {
    const { config } = valid(listener, limits);
    expect(config.listen.address).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 1 });
    expect(config.routes[0]!.ping.clientMs).toBe(9000);
    expect(config.files).toEqual(['a.yaml', 'b.yaml']);
    expect(valid(limits, listener).config).toEqual({ ...config, hash: expect.any(String) });
  });

  test('says of each value which file it comes from', () => {
    const { resolved } = valid(listener, limits);
    expect(resolved.sources.get('listen.address')).toEqual({ from: 'file', file: 'a.yaml', line: 2 });
    expect(resolved.routes[0]!.sources['ping.client']).toEqual({ from: 'defaults', file: 'b.yaml', line: 2 });
  });

  test('has the hash of both files, one after the other', () => {
    const { config } = valid(listener, limits);
    expect(config.hash).toBe(
      createHash('sha256')
        .update(listener + limits)
        .digest('hex'),
    );
  });

  test('names the file of each error, in the order of the files', () => {
    expect(errorsOf('listen: {adress: x}\nadmin: 5\n', 'routes:\n  - {name: a, upstream: 1}\n')).toEqual([
      'listen.adress: unknown key; did you mean address? (a.yaml:1:10)',
      'admin: 5 is not a mapping; write its keys below it, indented (a.yaml:2:8)',
      'routes[0].upstream: 1 is not the URL of a backend; write http://host:port (b.yaml:2:25)',
    ]);
  });

  test('may say each top-level key once; the error names both places', () => {
    expect(errorsOf(`${listener}admin: {}\n`, `${limits}admin:\n  bad: 1\n`)).toEqual([
      'admin: stands in a.yaml:3 too; write each top-level key in one file only (b.yaml:5:1)',
    ]);
  });

  test('without a key that must be there names both files', () => {
    expect(errorsOf(listener, 'admin: {}\n')).toEqual([
      'a.yaml, b.yaml routes: is missing; write [one, two], or one line for each with a dash',
    ]);
  });

  test('of which one is broken YAML or no mapping is told of that one alone', () => {
    expect(errorsOf(listener, 'routes: [\n')[0]).toMatch(/\(b\.yaml:\d+:\d+\)$/);
    expect(errorsOf(listener, 'routes: [\n')).toHaveLength(1);
    expect(errorsOf(listener, '- 1\n')).toEqual([
      '[1] is not a mapping; write its keys below it, indented (b.yaml:1:1)',
    ]);
  });

  test('of which one is empty is an error, for an emptied ConfigMap is one', () => {
    expect(errorsOf('# nothing\n', limits)).toEqual(['a.yaml is empty; write at least one key']);
  });

  test('is warned about with file and line', () => {
    const raised = limits.replace(
      'preset: panel',
      'preset: panel, ping: {upstream: 1s}, limits: {client: {max_message_size: 30MiB}}',
    );
    const messages = findWarnings(valid(listener, raised).resolved).map(({ message }) => message);
    expect(messages.some((message) => message.startsWith('limits.client.max_message_size 30MiB (b.yaml:4)'))).toBe(
      true,
    );
  });

  test('whose names differ only in their folders names the folders too', () => {
    const texts = [
      { file: 'x/c.yaml', text: listener },
      { file: 'y/c.yaml', text: limits.replace('ping: {client: 9s}', 'limits: {client: {max_message_size: 1MiB}}') },
    ];
    const loaded = loadConfigs(texts);
    if ('errors' in loaded) throw new Error('not valid');
    const messages = findWarnings(loaded.resolved).map(({ message }) => message);
    expect(messages).toContainEqual(expect.stringContaining('defaults.limits.client.max_message_size (y/c.yaml:2)'));
  });
});
