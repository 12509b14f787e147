import { expect, test } from 'vitest';
import { parseApiData } from '../../../src/routes/api-data.ts';

const target = 'http://127.0.0.1:1';

function dataOf(value: object, host: string | null = null) {
  const data = parseApiData(JSON.stringify(value), host);
  if ('problem' in data) throw new Error(data.problem);
  return data;
}

test('keeps every key, of whatever type, but the time that is not the sender’s to say', () => {
  const { more } = dataOf({ target, jupyterhub: { deep: [1] }, user: 'ann', last_activity: [], constructor: 1 });
  expect(more).toBe(',"jupyterhub":{"deep":[1]},"user":"ann","constructor":1');
  expect(dataOf({ target }).more).toBe('');
});

test('gives __proto__ back as it came', () => {
  const data = parseApiData(`{"target": "${target}", "__proto__": {"target": "x"}}`, null);
  expect(data).toMatchObject({ target, more: ',"__proto__":{"target":"x"}' });
});

test('its kind is that of the first key that says one', () => {
  expect(dataOf({ target, hub: true }).kind).toBe('hub');
  expect(dataOf({ target, user: null }).kind).toBe('server');
  expect(dataOf({ target, service: 'x' }).kind).toBe('service');
  expect(dataOf({ target }).kind).toBe('other');
});

test('a table of hosts keeps the host too', () => {
  expect(dataOf({ target }, 'a.example').more).toBe(',"host":"a.example"');
});

test.each([
  ['no JSON', '{', /not valid JSON/],
  ['nothing', '', /not valid JSON/],
  ['null', 'null', /'target'/],
  ['a list', '[]', /'target'/],
  ['a number', '1', /'target'/],
  ['no target', '{}', /'target'/],
  ['a target that is no text', '{"target": 1}', /'target'/],
  ['depth 10 000', '['.repeat(10_000), /10000 levels/],
  ['depth behind strings that look like it', `{"target": "x", "a": "[[\\"[", "b": ${'['.repeat(40)}`, /41 levels/],
  ['much data', JSON.stringify({ target, a: 'x'.repeat(17_000) }), /at most 16384/],
])('refuses %s, with a reason', (_name, text, reason) => {
  expect((parseApiData(text, null) as { problem: string }).problem).toMatch(reason);
});
