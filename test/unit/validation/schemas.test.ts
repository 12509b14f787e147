import { expect, test } from 'vitest';
import {
  type CompileSchema,
  describeFault,
  type SchemaFile,
  Schemas,
  schemaKey,
} from '../../../src/validation/schemas.ts';
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

/** Files by their texts. */
function filesOf(texts: Map<string, string>) {
  let files: readonly SchemaFile[] = [];
  const values = new Map<string, unknown>();
  return {
    async follow(wanted: readonly SchemaFile[]) {
      files = wanted;
      const problems = await Promise.all(
        wanted.map(async ({ path, parse }) => {
          const parsed = await parse(texts.get(path) ?? '');
          if ('problem' in parsed) return [`${path} ${parsed.problem}`];
          values.set(path, parsed.value);
          return [];
        }),
      );
      return problems.flat();
    },
    async change(path: string, text: string) {
      const file = files.find((one) => one.path === path)!;
      const parsed = await file.parse(text);
      if ('value' in parsed) values.set(path, parsed.value);
      file.changed();
    },
    valueOf: (name: string, path: string) => (name === schemaKey ? (values.get(path) ?? null) : null),
    close() {},
    get paths() {
      return files.map(({ path }) => path);
    },
  };
}

test('rules are made once for a route, and again when a file changes', async () => {
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
  expect(schemas.rulesOf(route, 'client')!.judge(Buffer.from('[]'))).toEqual({ rule: 'type', path: '' });
  schemas.close();
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
  expect(describeFault({ rule: 'utf8', path: '' })).toBe('a text message is not UTF-8');
  expect(describeFault({ rule: 'type', path: '' })).toBe('a text message breaks "type" at the top');
  expect(describeFault({ rule: 'toString', path: '' })).toBe('a text message breaks "toString" at the top');
  expect(describeFault({ rule: 'type', path: `/${'a'.repeat(300)}` }).length).toBeLessThan(90);
  expect(describeFault({ rule: 'type', path: '/a\u0007\u2028' })).toBe(
    'a text message breaks "type" at /a\\u0007\\u2028',
  );
});
