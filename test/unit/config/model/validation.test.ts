import { expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { worstCaseMemory } from '../../../../src/config/model/memory.ts';
import { parseReply } from '../../../../src/config/model/reply.ts';

function load(validate: string) {
  return loadConfig('a.yaml', `routes:\n  - {name: a, upstream: "http://127.0.0.1:1", validate: ${validate}}\n`);
}

function routeOf(validate: string) {
  const loaded = load(validate);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return loaded.config.routes[0]!;
}

function errorsOf(validate: string): string[] {
  const loaded = load(validate);
  return 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
}

test('each side has its own rules, and what it does not say is built in', () => {
  const { validate } = routeOf(
    '{client: {text: {json_schema: a.json}}, upstream: {max_depth: 3, binary: reject, action: report}}',
  );
  expect(validate).toEqual({
    client: {
      schemaFile: 'a.json',
      maxTextBytes: 256 * 1024,
      maxDepth: 64,
      binary: 'pass',
      action: 'close',
      reply: { type: 'error', message: '{reason}' },
    },
    upstream: {
      schemaFile: null,
      maxTextBytes: 256 * 1024,
      maxDepth: 3,
      binary: 'reject',
      action: 'report',
      reply: { type: 'error', message: '{reason}' },
    },
  });
  expect(routeOf('{client: {max_depth: 3, action: reply, reply: {a: [1]}}}').validate.client?.reply).toEqual({
    a: [1],
  });
});

test('what asks for nothing, and an answer that nobody gets, are mistakes', () => {
  expect(errorsOf('{client: {binary: reject}}')).toEqual([
    'routes[0].validate.client: asks for nothing; add text.json_schema: FILE, or max_depth: 64 where every JSON will do (a.yaml:2:58)',
  ]);
  expect(errorsOf('{upstream: {max_depth: 3, reply: {a: 1}}}')).toEqual([
    'routes[0].validate.upstream.reply: is an answer that nobody gets; add action: reply, or remove it (a.yaml:2:83)',
  ]);
  expect(errorsOf('{client: {max_depth: 1001}}')[0]).toContain('1001 is no depth; write a whole number from 1 to 1000');
  expect(errorsOf('{client: {max_depth: 3, action: reply, reply: no}}')[0]).toContain(
    'is no mapping; write {type: error',
  );
});

test('a template of an API’s routes may have it, and its mistakes are found too', () => {
  const text =
    'routes_api: {address: "127.0.0.1:0", token_file: t, templates: [{kind: server, name: s, validate: {client: {}}}]}\n';
  const loaded = loadConfig('a.yaml', text);
  const errors = 'errors' in loaded ? loaded.errors.map(formatConfigError) : [];
  expect(errors.join('\n')).toContain('routes_api.templates[0].validate.client: asks for nothing');
});

test('an answer is a mapping of a kilobyte at most', () => {
  expect(parseReply({ a: 'x'.repeat(1016) })).toEqual({ value: { a: 'x'.repeat(1016) } });
  expect(parseReply({ a: 'x'.repeat(1017) })).toEqual({ problem: 'takes 1025 bytes as JSON; write 1024 at most' });
});

test('a message that is held counts twice in the worst case', () => {
  const none = worstCaseMemory(routeOf('{}')).perConnection;
  const both = routeOf(
    '{client: {max_depth: 3, text: {max_size: 1KiB}}, upstream: {max_depth: 3, text: {max_size: 2KiB}}}',
  );
  expect(worstCaseMemory(both).perConnection - none).toBe(2 * 3 * 1024);
});
