import { expect, test } from 'vitest';
import { Field, fieldOf } from '../../../../src/http/wire/names.ts';

function field(name: string): Field {
  const bytes = Buffer.from(`(${name})`, 'latin1');
  return fieldOf(bytes, 1, bytes.length - 1);
}

test('names are known in any case, and by the whole of them', () => {
  expect([field('Host'), field('hOST'), field('Hos'), field('Hosts')]).toEqual([
    Field.host,
    Field.host,
    Field.other,
    Field.other,
  ]);
});

test('what says where a request came from is known in each spelling, and by its family however long it is', () => {
  expect(field('X-Forwarded-For')).toBe(Field.told);
  expect(field('x_forwarded_proto')).toBe(Field.told);
  expect(field('X-Forwarded-Tenant')).toBe(Field.forwarding);
  expect(field(`X-Forwarded-${'Whatever-'.repeat(20)}`)).toBe(Field.forwarding);
});

test('a name that is longer than all that are known is another one', () => {
  expect(field(`Content-Length${'h'.repeat(200)}`)).toBe(Field.other);
});
