import { expect, test } from 'vitest';
import { forwardingFamilies, forwardingNames, hopNames, kindOf, toldNames } from '../../../src/http/fields.ts';
import { Field, fieldOf } from '../../../src/http/wire/names.ts';

/** A name as clients may spell it to get it past a filter. */
function spellings(name: string): string[] {
  const titled = name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
  return [
    name,
    titled,
    name.toUpperCase(),
    name.replaceAll('-', '_'),
    name.replace('-', '_'),
    name.replaceAll('-', '.'),
  ];
}

const byBytes: Readonly<Record<string, readonly Field[]>> = {
  hop: [Field.hop, Field.connection, Field.upgrade, Field.transferEncoding, Field.trailer],
  told: [Field.told],
  forwarding: [Field.forwarding],
};

for (const [kind, names] of [
  ['hop', hopNames],
  ['told', toldNames],
  ['forwarding', [...forwardingNames, ...forwardingFamilies.map((family) => `${family}x`)]],
] as const) {
  test.each(names)(`%s is ${kind} in every spelling, by its text and by its bytes`, (name) => {
    for (const spelled of spellings(name)) {
      expect([spelled, kindOf(spelled)]).toEqual([spelled, kind]);
      const bytes = Buffer.from(spelled);
      expect([spelled, byBytes[kind]!.includes(fieldOf(bytes, 0, bytes.length))]).toEqual([spelled, true]);
    }
  });
}

test.each([
  'Content_Length',
  'TRANSFER_ENCODING',
  'Transfer.Encoding',
  'Sec_WebSocket_Extensions',
  'H~ost',
  'Content.Length',
])('%s frames nothing, and must not seem to behind us', (name) => {
  expect(kindOf(name)).toBe(name === 'H~ost' ? 'other' : 'hop');
});

test.each([
  'Host',
  'Content-Length',
  'Cookie',
  'X-Forwarde',
  'X-Request-Id',
  'X-HTTP-Method-Override',
  'Remote',
  'X-Original',
])('%s passes', (name) => {
  expect(kindOf(name)).toBe('other');
});

test('names without end are told apart, too', () => {
  for (let i = 0; i < 5000; i++) expect(kindOf(`X-${i}`)).toBe('other');
  expect(kindOf('X_Forwarded_For')).toBe('told');
});
