/** Arbitrary streams of valid frames for property tests, each with what it means. */
import fc from 'fast-check';
import { frame } from './frames.ts';
import { type Seen, seenFrame } from './parser-events.ts';

/** A frame's bytes, and the events that a parser must make of them. */
export interface KnownFrame {
  readonly bytes: Buffer;
  readonly opcode: number;
  readonly fin: boolean;
  readonly seen: readonly Seen[];
  /** Short words for a counterexample. */
  readonly [fc.toStringMethod]: () => string;
}

interface Shape {
  readonly size: number;
  readonly fill: number;
  readonly key: number;
}

/** Sizes around the three forms of a length, and ordinary ones. */
const size = fc.oneof(
  { weight: 25, arbitrary: fc.nat(40) },
  { weight: 14, arbitrary: fc.constantFrom(0, 1, 124, 125, 126, 127) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 70_001) },
);
const shape = (sizes: fc.Arbitrary<number>): fc.Arbitrary<Shape> =>
  fc.record({ size: sizes, fill: fc.nat(255), key: fc.nat(0xffffffff) });
const control = fc.record({ opcode: fc.constantFrom(8, 9, 10), shape: shape(fc.nat(125)) });
const fragment = fc.record({ controls: fc.array(control, { maxLength: 2 }), shape: shape(size) });
const message = fc.record({
  opcode: fc.constantFrom(1, 2),
  fragments: fc.array(fragment, { minLength: 1, maxLength: 5 }),
});

/** A stream of whole messages in one to five fragments, with control frames before and between them. */
export function frames(masked: boolean, maxMessages = 8): fc.Arbitrary<KnownFrame[]> {
  return fc.array(message, { maxLength: maxMessages }).map((messages) =>
    messages.flatMap(({ opcode, fragments }) =>
      fragments.flatMap(({ controls, shape }, i) => {
        const fin = i === fragments.length - 1;
        return [
          ...controls.map((one) => controlFrame(one.opcode, one.shape, masked)),
          dataFrame(i === 0 ? opcode : 0, fin, shape, masked),
        ];
      }),
    ),
  );
}

/** How a stream is cut: sizes that repeat. */
export const cuts = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
  fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 100_000 })), {
    minLength: 1,
    maxLength: 10,
  }),
);

/** Its period is prime, so that bytes in the wrong order are seen. */
const pattern = Buffer.alloc(80_000).map((_, i) => i % 251);

function bytesOf({ size, fill, key }: Shape, masked: boolean): { payload: Buffer; mask: Uint8Array | false } {
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(key);
  return { payload: Buffer.from(pattern.subarray(fill, fill + size)), mask: masked && mask };
}

function controlFrame(opcode: number, shape: Shape, masked: boolean): KnownFrame {
  const { payload, mask } = bytesOf(shape, masked);
  const seen = [{ control: opcode, payload: payload.toString('hex') }];
  return known(frame(payload, { opcode, mask }), opcode, true, seen);
}

function dataFrame(opcode: number, fin: boolean, shape: Shape, masked: boolean): KnownFrame {
  const { payload, mask } = bytesOf(shape, masked);
  const bytes = frame(payload, { opcode, fin, mask });
  const header = bytes.subarray(0, bytes.length - payload.length);
  const span: Seen[] = payload.length === 0 ? [] : [{ payload: bytes.toString('hex', header.length) }];
  return known(bytes, opcode, fin, [seenFrame(header, fin, opcode, payload.length), ...span, 'end']);
}

function known(bytes: Buffer, opcode: number, fin: boolean, seen: readonly Seen[]): KnownFrame {
  const words = `opcode ${opcode}${fin ? ' fin' : ''}, ${bytes.length} bytes ${bytes.toString('hex', 0, 16)}`;
  return { bytes, opcode, fin, seen, [fc.toStringMethod]: () => words };
}
