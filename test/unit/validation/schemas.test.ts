import { expect, test } from 'vitest';
import {
  type CompileSchema,
  describeFault,
  type SchemaFile,
  Schemas,
  schemaKey,
} from '../../../src/validation/schemas.ts';
import type { Fault } from '../../../src/validation/types.ts';
import { testRoute } from '../../helpers/relay.ts';
import { compile } from '../../helpers/schema-check.ts';

const inPlace: CompileSchema = async (text) => compile(text);

const validation = {
  schemaFile: 'a.json',
  maxTextBytes: 100,
  maxDepth: 4,
  binary: 'reject',
  action: 'reply',
  reply: { type: 'error', '{reason}': ['{reason}, {reason}'] },
} as const;

/** Files by their texts, which are read when they are followed first, and forgotten when nobody wants them. */
function filesOf(texts: Map<string, string>) {
  const files = new Map<string, SchemaFile>();
  const values = new Map<string, unknown>();
  const read = async ({ path, parse, changed }: SchemaFile) => {
    const parsed = await parse(texts.get(path) ?? '');
    if ('problem' in parsed) return [`${path} ${parsed.problem}`];
    values.set(path, parsed.value);
    changed();
    return [];
  };
  return {
    async follow(wanted: readonly SchemaFile[]) {
      for (const path of files.keys()) {
        if (wanted.some((one) => one.path === path)) continue;
        files.delete(path);
        values.delete(path);
      }
      const added = wanted.filter(({ path }) => !files.has(path));
      for (const one of added) files.set(one.path, one);
      return (await Promise.all(added.map(read))).flat();
    },
    async change(path: string, text: string) {
      texts.set(path, text);
      await read(files.get(path)!);
    },
    valueOf: (name: string, path: string) => (name === schemaKey ? (values.get(path) ?? null) : null),
    close() {},
    get paths() {
      return [...files.keys()];
    },
  };
}

const broken = { rule: 'type', path: '' };

test('rules are made once for a route, and follow its file', async () => {
  const files = filesOf(new Map([['a.json', '{"type":"array"}']]));
  const schemas = new Schemas(files, inPlace);
  const route = testRoute({ validate: { client: validation, upstream: null } });
  expect(await schemas.follow([route])).toEqual([]);
  const rules = schemas.rulesOf(route, 'client')!;
  expect(schemas.rulesOf(route, 'upstream')).toBeNull();
  expect(schemas.rulesOf(route, 'client')).toBe(rules);
  expect(rules).toMatchObject({ maxTextBytes: 100, action: 'reply', rejectsBinary: true });
  expect(rules.judge(Buffer.from('[]'))).toBeNull();
  await files.change('a.json', '{"type":"object"}');
  expect(rules.judge(Buffer.from('[]'))).toEqual(broken);
  schemas.close();
});

test('connections of a route that is gone go on under its schema, whatever files come and change', async () => {
  const files = filesOf(
    new Map([
      ['a.json', '{"type":"array"}'],
      ['b.json', '{"type":"object"}'],
    ]),
  );
  const schemas = new Schemas(files, inPlace);
  const gone = testRoute({ validate: { client: validation, upstream: null } });
  const other = testRoute({ validate: { client: { ...validation, schemaFile: 'b.json' }, upstream: null } });
  await schemas.follow([gone]);
  expect(await schemas.prepare([other])).toEqual([]);
  expect(await schemas.follow([other])).toEqual([]);
  expect(files.paths).toEqual(['b.json']);
  const judged = (text: string) => schemas.rulesOf(gone, 'client')!.judge(Buffer.from(text));
  expect([judged('[]'), judged('{}')]).toEqual([null, broken]);
  await files.change('b.json', '{"type":"string"}');
  expect([judged('[]'), judged('""')]).toEqual([null, broken]);
});

test('an answer has the reason in its texts, escaped as they are', () => {
  const schemas = new Schemas(filesOf(new Map()), inPlace);
  const route = testRoute({ validate: { client: null, upstream: { ...validation, schemaFile: null } } });
  const { answer } = schemas.rulesOf(route, 'upstream')!;
  expect(JSON.parse(answer('a "b" $& \\ \n').toString())).toEqual({
    type: 'error',
    'a "b" $& \\ \n': ['a "b" $& \\ \n, a "b" $& \\ \n'],
  });
});

test('mode report reports, whatever the action', () => {
  const schemas = new Schemas(filesOf(new Map()), inPlace);
  const route = testRoute({
    mode: 'report',
    validate: { client: { ...validation, schemaFile: null }, upstream: null },
  });
  expect(schemas.rulesOf(route, 'client')!.action).toBe('report');
});

test('a file that was never read lets nothing pass', () => {
  const schemas = new Schemas(filesOf(new Map()), inPlace);
  const route = testRoute({ validate: { client: validation, upstream: null } });
  expect(schemas.rulesOf(route, 'client')!.judge(Buffer.from('[]'))).toEqual({ rule: 'json_schema', path: '' });
});

test('what cannot be used is not prepared, and what is in use stays', async () => {
  const files = filesOf(new Map([['a.json', '{}']]));
  const schemas = new Schemas(files, inPlace);
  const one = testRoute({ validate: { client: validation, upstream: validation } });
  const other = testRoute({ validate: { client: { ...validation, schemaFile: 'b.json' }, upstream: null } });
  await schemas.follow([one]);
  expect(await schemas.prepare([other])).toEqual([expect.stringMatching(/^b.json is no JSON/)]);
  expect(files.paths).toEqual(['a.json']);
  expect(await schemas.prepare([one])).toEqual([]);
});

test('what is wrong is told with its rule and place, short enough for a close frame', () => {
  const told = (fault: Fault) => describeFault(fault, { maxDepth: 8, maxTextBytes: 1024 });
  expect(told({ rule: 'utf8', path: '' })).toBe('a text message is not UTF-8');
  expect(told({ rule: 'max_depth', path: '' })).toBe('a text message nests deeper than max_depth, which is 8');
  expect(told({ rule: 'max_size', path: '', bytes: 1025 })).toBe(
    'a text message of 1025 bytes exceeds text.max_size, which is 1024',
  );
  expect(told({ rule: 'type', path: '' })).toBe('a text message breaks "type" at the top');
  expect(told({ rule: 'toString', path: '' })).toBe('a text message breaks "toString" at the top');
  expect(told({ rule: 'type', path: `/${'a'.repeat(300)}` }).length).toBeLessThan(90);
  expect(told({ rule: 'type', path: '/a\u0007\u2028' })).toBe('a text message breaks "type" at /a\\u0007\\u2028');
});
