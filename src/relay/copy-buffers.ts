/**
 * Buffers for copies, used again and again. The garbage collector sees too late what is not on its heap: with an
 * allocation per copy, 200 busy connections left 100 MB of garbage between two collections (measured).
 */

/** Small messages; one read of the shared buffer; the largest piece of a queue. */
const sizes = [4 * 1024, 32 * 1024, 64 * 1024] as const;
const maxSpare = 32;

const spare = new Map<number, Buffer[]>(sizes.map((size) => [size, []]));

/** A buffer of at least `length` bytes. */
export function takeBuffer(length: number): Buffer {
  const size = sizes.find((one) => one >= length);
  return (size === undefined ? undefined : spare.get(size)?.pop()) ?? Buffer.allocUnsafeSlow(size ?? length);
}

/** Gives a buffer back from which nothing reads any more. One of another size is left to the garbage collector. */
export function giveBuffer(buffer: Buffer): void {
  const list = spare.get(buffer.length);
  if (list !== undefined && list.length < maxSpare) list.push(buffer);
}
