/**
 * Node's HTTP server and client see these streams in the place of sockets, and take their marks for the messages too.
 */
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { CarefulStream } from '../../../../src/front/careful/careful-stream.ts';
import { UpstreamStream } from '../../../../src/front/careful/upstream-stream.ts';
import type { LineOwner } from '../../../../src/front/fast/line.ts';

/** A client's socket that takes nothing. */
const client = () => new CarefulStream({ write() {} } as unknown as Socket, { ended() {}, destroyed() {} });

type Parts = ConstructorParameters<typeof UpstreamStream>;

/** A line to an upstream that takes nothing, and how its owner hears of it. */
function upstreamLine() {
  const transport = { lendNoMore() {}, last() {} };
  const line = { transport, writer: { blocked: true }, send() {}, resume() {}, pause() {}, discard() {} };
  let told: LineOwner | undefined;
  const take = (_: unknown, owner: LineOwner) => {
    told = owner;
    return line;
  };
  const stream = new UpstreamStream({ take } as unknown as Parts[0], {} as Parts[1]);
  return { stream, owner: told! };
}

const upstream = () => upstreamLine().stream;

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

test("what breaks an upstream behind an answer that is whole is nobody's error", async () => {
  const { stream, owner } = upstreamLine();
  const closed = new Promise((resolve) => stream.once('close', resolve));
  // Node's client takes an answer to its end while the reset behind that is known already, and lets go of the stream.
  owner.read(Buffer.from('the end'), 0, 7, null);
  owner.gone();
  expect(String(stream.read())).toBe('the end');
  await closed;
  expect(stream.errored).toMatchObject({ code: 'ECONNRESET' });
});
