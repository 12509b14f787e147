/** Schemas are compiled in a thread, and nothing waits for it but who asked. */
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { SchemaThread } from '../../src/gateway/compile-aside.ts';
import { Fuel, type Parsed, type SchemaCheck } from '../../src/validation/types.ts';

/** Which rule each value breaks. */
function judge(compiled: Parsed<SchemaCheck>, ...values: unknown[]): string[] {
  if ('problem' in compiled) throw new Error(compiled.problem);
  return values.map((value) => compiled.value(value, new Fuel(10_000))?.rule ?? 'good');
}

/** As many properties as a schema may have keys, or nearly. */
function schemaOf(properties: number): string {
  const branch = (i: number) => ({ type: 'object', required: ['kind'], properties: { kind: { const: `k${i}` } } });
  return JSON.stringify({ anyOf: Array.from({ length: properties }, (_, i) => branch(i)) });
}

test('the event loop turns while the largest schema is compiled', async () => {
  const { compile } = new SchemaThread();
  let turns = 0;
  let isDone = false;
  const turn = () => {
    turns++;
    if (!isDone) setTimeout(turn);
  };
  turn();
  const compiled = await compile(schemaOf(1600));
  isDone = true;
  // In place it would turn twice.
  expect(turns).toBeGreaterThan(50);
  expect(judge(compiled, { kind: 'k1' }, { kind: 'k1599' }, { kind: 'k1600' })).toEqual(['good', 'good', 'anyOf']);
});

test('what was compiled there judges as in place: lengths, patterns, lists, references both ways', async () => {
  const { compile } = new SchemaThread();
  const schema = {
    $defs: {
      node: {
        properties: { next: { $ref: '#/$defs/other' }, name: { type: 'string', maxLength: 2, pattern: '^[é-ü]*$' } },
      },
      other: { properties: { back: { $ref: '#/$defs/node' } }, required: ['back'] },
    },
    $ref: '#/$defs/node',
    properties: {
      list: { uniqueItems: true, items: { enum: [1, [2], { a: 3 }] } },
      fixed: { const: { a: [1] } },
      other: { propertyNames: { minLength: 2 }, contains: { const: 1 } },
    },
  };
  const compiled = await compile(JSON.stringify(schema));
  const values: [unknown, string][] = [
    [{ next: { back: { name: 'éé' } } }, 'good'],
    [{ next: { back: { name: 'ééé' } } }, 'maxLength'],
    [{ next: { back: { name: 'aa' } } }, 'pattern'],
    [{ next: {} }, 'required'],
    [{ list: [1, [2], { a: 3 }] }, 'good'],
    [{ list: [[2], [2]] }, 'uniqueItems'],
    [{ list: [[3]] }, 'enum'],
    [{ fixed: { a: [1] } }, 'good'],
    [{ fixed: { a: [2] } }, 'const'],
    [{ other: { 𝒳: 1 } }, 'propertyNames'],
  ];
  expect(judge(compiled, ...values.map(([value]) => value))).toEqual(values.map(([, rule]) => rule));
});

test('several at once, good and bad, each get their own answer, and another one later', async () => {
  const { compile } = new SchemaThread();
  const asked = ['{"type":"array"}', '{', '{"type":"strnig"}', '{"type":"object"}'].map(compile);
  const [first, second, third, last] = await Promise.all(asked);
  expect(judge(first!, [], {})).toEqual(['good', 'type']);
  expect(second).toEqual({ problem: expect.stringMatching(/^is no JSON: /) });
  expect(third).toEqual({ problem: expect.stringMatching(/^cannot be compiled: it is no valid schema at /) });
  expect(judge(last!, [], {})).toEqual(['type', 'good']);
  expect(judge(await compile('{"const":1}'), 1, 2)).toEqual(['good', 'const']);
});

test('one that its thread does not live through is a problem, and those behind it are compiled', async () => {
  const threads: Worker[] = [];
  const { compile } = new SchemaThread(() => {
    const broken = `throw new Error('out of memory')`;
    const real = new URL('../../src/gateway/compile-thread.ts', import.meta.url);
    const worker = threads.length === 0 ? new Worker(broken, { eval: true }) : new Worker(real);
    threads.push(worker);
    return worker;
  });
  const [first, second] = await Promise.all([compile('{"const":1}'), compile('{"const":2}')]);
  expect(first).toEqual({ problem: 'cannot be compiled: out of memory' });
  expect(judge(second!, 1, 2)).toEqual(['const', 'good']);
  expect(threads.length).toBe(2);
});

test('one that takes too much memory is told what to do', async () => {
  const hoard = 'const all = []; for (;;) all.push(new Array(1e5).fill(0));';
  const resourceLimits = { maxOldGenerationSizeMb: 16 };
  const { compile } = new SchemaThread(() => new Worker(hoard, { eval: true, resourceLimits }));
  const problem = 'cannot be compiled: that takes more than 512 MB; write fewer keys or branches';
  expect(await compile('{}')).toEqual({ problem });
});

test('where the system gives no thread, all are a problem', async () => {
  const { compile } = new SchemaThread(() => {
    throw new Error('no more threads');
  });
  const problem = { problem: 'cannot be compiled: no more threads' };
  expect(await Promise.all([compile('{}'), compile('{}')])).toEqual([problem, problem]);
});
