/**
 * Node's HTTP server and client see these streams in the place of sockets, and take their marks for the messages too.
 */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { CarefulStream } from '../../../../src/front/careful/careful-stream.ts';
import { UpstreamStream } from '../../../../src/front/careful/upstream-stream.ts';

/** A client's socket that takes nothing. */
const client = () => new CarefulStream({ write() {} } as unknown as Socket, { ended() {}, destroyed() {} });

/** A line to an upstream that takes nothing. */
function upstream() {
  const transport = { lendNoMore() {}, last() {} };
  const line = { transport, writer: { blocked: true }, send() {}, resume() {}, pause() {}, destroy() {} };
  type Parts = ConstructorParameters<typeof UpstreamStream>;
  return new UpstreamStream({ take: () => line } as unknown as Parts[0], { discard() {} } as unknown as Parts[1]);
}

test.each([
  ['a client', client],
  ['an upstream', upstream],
])('what %s does not take waits as one piece, however small the pieces are', async (_, make) => {
  const stream = make();
  let read = 0;
  const source = new Readable({
    highWaterMark: 1,
    read() {
      read++;
      this.push('x');
    },
  });
  source.pipe(stream);
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  expect(stream.writableLength).toBe(1);
  expect(read).toBeLessThan(5);
  source.destroy();
  stream.destroy();
});
