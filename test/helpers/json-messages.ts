/** Text messages, good, bad and odd, and every way to cut them into frames and reads. */
import fc from 'fast-check';
import { frame } from './frames.ts';

/** A schema with most of what schemas have. */
export const messageSchema = {
  type: 'object',
  required: ['type'],
  properties: {
    type: { enum: ['load', 'stop', 'constructor'] },
    filename: { type: 'string', pattern: '^[\\w.-]+$', maxLength: 20 },
    columns: { type: 'array', items: { type: ['string', 'integer'] }, uniqueItems: true, maxItems: 8 },
    limit: { type: 'number', minimum: 0 },
    next: { $ref: '#' },
  },
  additionalProperties: false,
};

const near = fc.record(
  {
    type: fc.constantFrom('load', 'stop', 'constructor', 'toString', 1),
    filename: fc.constantFrom('a.csv', 'ä.csv', '', '../x', 'x'.repeat(21), '\ud800', null),
    columns: fc.array(fc.constantFrom<unknown>('a', 'b', 1, 1.5, -0, 0, { a: 1 }), { maxLength: 4 }),
    limit: fc.constantFrom(0, -1, 1e308, 'x'),
    next: fc.constantFrom({ type: 'load' }, { type: 'no' }, {}, [], {
      type: 'stop',
      next: { type: 'load', columns: [1, 1] },
    }),
  },
  { requiredKeys: [] },
);
const fine = fc.record(
  {
    type: fc.constantFrom('load', 'stop', 'constructor'),
    filename: fc.constantFrom('a.csv', 'b-1', 'c_d'),
    columns: fc.uniqueArray(fc.constantFrom<unknown>('a', 'é', '1', 1, 2), { maxLength: 4 }),
    limit: fc.constantFrom(0, 2.5, 1e308),
    next: fc.constantFrom({ type: 'load' }, { type: 'stop', next: { type: 'load' } }),
  },
  { requiredKeys: ['type'] },
);
const whole = fc.oneof(fine, fine, near, fc.jsonValue()).map((value) => JSON.stringify(value));
const odd = fc.constantFrom(
  ...[
    '',
    ' ',
    '\ufeff{"type":"load"}',
    '{"type":"load","type":"no"}',
    '{"type":"no","type":"load"}',
    '{"__proto__":{"type":"load"}}',
  ],
  ...[
    '{"type":"load","__proto__":1}',
    '{"type":"load","limit":1e400}',
    '{"type":"load","limit":-1e400}',
    '{"type":"load","filename":"\\ud800"}',
  ],
  ...[
    '[',
    '[]]',
    '{"type":"load"',
    '{"type":"load"} x',
    'NaN',
    '{"type":"load","limit":NaN}',
    '"\\',
    '{"type":"\\u006coad"}',
    '{"constructor":1}',
  ],
  ...['['.repeat(65_536), `${'{"type":"load","next":'.repeat(20)}{}${'}'.repeat(20)}`, '\u0000', '{"type":"load",}'],
);
const broken = fc.tuple(whole, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
  const bytes = Buffer.from(text);
  if (bytes.length > 0) bytes[at % bytes.length] = byte;
  return bytes;
});

/** The payload of a text message. */
export const payloads = fc.oneof(
  { weight: 5, arbitrary: whole.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: odd.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: broken },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)) },
);

/** How a message is cut: each number ends a fragment there, and two alike make an empty one. */
export const cuts = fc.array(fc.nat(), { maxLength: 5 });

/** The frames of a message, with a ping between two of them where `pings`. */
export function framesOf(payload: Buffer, at: readonly number[], masked: boolean, opcode = 1, pings = false): Buffer[] {
  const ends = [...at.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
  return ends.flatMap((end, i) => {
    const part = payload.subarray(i === 0 ? 0 : ends[i - 1]!, end);
    const mask = masked && Buffer.from([i, 0xaa, i * 7, 0x55]);
    const data = frame(part, { opcode: i === 0 ? opcode : 0, fin: i === ends.length - 1, mask });
    return pings && i < ends.length - 1 ? [data, frame('p', { opcode: 9, mask })] : [data];
  });
}
