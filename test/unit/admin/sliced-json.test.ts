import { expect, test } from 'vitest';
import { json } from '../../../src/admin/answer.ts';
import { lazily, slicedJson } from '../../../src/admin/sliced-json.ts';
import { sliceMs } from '../../../src/observe/metrics/pace.ts';

const items = [{ name: 'a', of: { x: [1, 2], none: [] } }, { name: 'b\nc', of: {} }, 7, null];
const asker = (destroyed = false) => ({ req: { socket: { destroyed } } });
const bodyOf = async (value: object) => {
  const { body, status, type } = await slicedJson(asker(), 200, value);
  return { status, type, body: String(Buffer.concat(body as Buffer[])) };
};

test('is the same as what is made at once', async () => {
  const value = { total: 4, items, empty: [], nothing: null, inner: { list: [1], deep: { er: true } }, text: 'list' };
  expect(await bodyOf(value)).toEqual(json(200, value));
  expect(await bodyOf({ items: lazily(items, (item) => item) })).toEqual(json(200, { items }));
  expect(await bodyOf({ items: [], last: 1 })).toEqual(json(200, { items: [], last: 1 }));
});

test('many elements come in pieces, and others have their turn between slices', async () => {
  let now = 0;
  let made = 0;
  const rests: number[] = [];
  const turns = { now: () => now++, rest: async () => void rests.push(made) };
  const list = lazily(Array.from({ length: 1000 }), () => ({ text: 'x'.repeat(1000), number: made++ }));
  const { body } = await slicedJson(asker(), 200, { list }, turns);
  expect(body.length).toBeGreaterThan(10);
  expect(JSON.parse(String(Buffer.concat(body as Buffer[]))).list).toHaveLength(1000);
  expect(rests.length).toBeGreaterThan(1000 / (sliceMs + 2));
  // Nothing is made before its slice.
  expect(rests[0]).toBeLessThanOrEqual(sliceMs + 2);
});

test('one is made at a time, and none for whoever has left', async () => {
  const order: string[] = [];
  const turns = { now: () => 0, rest: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const list = (name: string) => lazily([1, 2, 3], () => order.push(name));
  const answers = [
    slicedJson(asker(), 200, { list: list('first') }, turns),
    slicedJson(asker(true), 200, { list: list('left') }, turns),
    slicedJson(asker(), 200, { list: list('second') }, turns),
  ];
  await Promise.all(answers);
  expect(order).toEqual(['first', 'first', 'first', 'second', 'second', 'second']);
});

test('one that fails is told of, and the next is made', async () => {
  const broken = lazily([1], () => {
    throw new Error('broken');
  });
  await expect(slicedJson(asker(), 200, { broken })).rejects.toThrow('broken');
  expect((await slicedJson(asker(), 200, { items })).status).toBe(200);
});
