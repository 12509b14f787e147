import { describe, expect, test, vi } from 'vitest';
import { type Keeper, owned } from '../../../../src/relay/memory/read-buffers.ts';
import type { LegWriter } from '../../../../src/relay/transport/leg-writer.ts';
import { BlockingSocket } from '../../../helpers/blocking-socket.ts';
import { legWriter } from '../../../helpers/leg-writer.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { hex } from '../../../helpers/parser-events.ts';

const everything = Number.MAX_SAFE_INTEGER;
const going = { code: 1012, reason: Buffer.from('bye') };
const goingFrame = hex('88 05 03f4 627965');

function setUp(room: number, masks = false) {
  const socket = new BlockingSocket(room);
  const onDrain = vi.fn();
  return { socket, onDrain, writer: legWriter(socket.asSocket, masks, budgetOf(), onDrain) };
}

/** Passes a whole frame of one byte of payload on, as a read of its own. */
function message(writer: LegWriter, letter: string, keeper: Keeper | null = null): Buffer {
  const bytes = Buffer.concat([hex('81 01'), Buffer.from(letter)]);
  writer.beginFrame();
  writer.append(bytes, 0, bytes.length, keeper);
  writer.endFrame(true);
  writer.flush();
  return bytes;
}

describe('while the kernel takes everything', () => {
  test('a text that waits for the end of a message is not waited for behind a close', () => {
    const { socket, writer } = setUp(everything);
    const part = hex('01 01 61');
    writer.beginFrame();
    writer.append(part, 0, part.length, null);
    writer.endFrame(false);
    writer.flush();
    writer.say(Buffer.from('no'));
    expect(writer.saying).toBe(true);
    writer.close(going);
    expect(writer.saying).toBe(false);
    expect(socket.output).toEqual(Buffer.concat([part, goingFrame]));
  });

  test('the spans of one read are one write', () => {
    const { socket, writer } = setUp(everything);
    const write = vi.spyOn(socket, 'write');
    const read = hex('81 01 61 81 01 62 81 05 63');
    for (const [start, header, end] of [
      [0, 2, 3],
      [3, 5, 6],
    ]) {
      writer.beginFrame();
      writer.append(read, start!, header!, null);
      writer.append(read, header!, end!, null);
      writer.endFrame(true);
    }
    writer.beginFrame();
    writer.append(read, 6, 8, null);
    writer.append(read, 8, 9, null);
    writer.flush();
    expect(write).toHaveBeenCalledTimes(1);
    expect(socket.output).toEqual(read);
    expect([writer.blocked, writer.bufferedBytes, writer.queuedMessages, writer.drainedBytes]).toEqual([
      false,
      0,
      0,
      0,
    ]);
  });

  test('a leased buffer is written from where it stands, the shared one never', () => {
    const { socket, writer } = setUp(everything);
    const written: Uint8Array[] = [];
    const write = socket.write.bind(socket);
    socket.write = (bytes, done) => {
      written.push(bytes);
      return write(bytes, done);
    };
    const pin = vi.fn();
    const leased = message(writer, 'a', { ...owned, pin, unpin: pin });
    const shared = message(writer, 'b');
    expect(written[0]!.buffer).toBe(leased.buffer);
    expect(written[1]!.buffer).not.toBe(shared.buffer);
    // The kernel has it all: the buffer is free at once.
    expect(pin).not.toHaveBeenCalled();
  });

  test('control frames go out at once, masked only towards an upstream', () => {
    const client = setUp(everything);
    client.writer.pong(Buffer.from('Hello'));
    client.writer.ping(Buffer.from('?'));
    client.writer.close(going);
    expect(client.socket.output).toEqual(hex('8a 05 48656c6c6f 89 01 3f 88 05 03f4 627965'));
    const upstream = setUp(everything, true);
    upstream.writer.pong(Buffer.from('Hello'));
    upstream.writer.pong(Buffer.from('Hello'));
    const { output } = upstream.socket;
    expect([output.length, output[0], output[1]]).toEqual([22, 0x8a, 0x85]);
    // Each with a fresh key (RFC 6455 §5.3).
    expect(output.subarray(2, 6)).not.toEqual(output.subarray(13, 17));
    const unmasked = [...output.subarray(6, 11)].map((byte, i) => byte ^ output[2 + (i & 3)]!);
    expect(Buffer.from(unmasked).toString()).toBe('Hello');
  });
});

describe('inside a frame', () => {
  test('control frames wait for its end', () => {
    const { socket, writer } = setUp(everything);
    const frame = hex('82 02 6162');
    writer.beginFrame();
    writer.append(frame, 0, 3, null);
    writer.flush();
    expect(writer.betweenFrames).toBe(false);
    writer.pong(Buffer.from('old'));
    writer.pong(Buffer.from('new'));
    writer.ping(Buffer.from('?'));
    writer.close(going);
    expect([writer.closed, writer.closeSent, writer.pingFlushed]).toEqual([false, false, false]);
    expect(socket.output).toEqual(hex('82 02 61'));
    writer.append(frame, 3, 4, null);
    writer.endFrame(true);
    writer.flush();
    expect(socket.output).toEqual(hex('82 02 6162 8a 03 6e6577 89 01 3f 88 05 03f4 627965'));
    expect([writer.closed, writer.closeSent, writer.closeFlushed, writer.pingFlushed]).toEqual(new Array(4).fill(true));
  });

  test('the end may come all the same: the peer sees that the frame was cut', () => {
    const { socket, writer } = setUp(everything);
    const frame = hex('82 02 6162');
    writer.beginFrame();
    writer.append(frame, 0, 3, null);
    writer.end();
    expect([socket.output, socket.writableEnded, writer.closed]).toEqual([hex('82 02 61'), true, true]);
  });
});

describe('behind a close frame', () => {
  test('nothing follows', () => {
    const { socket, writer } = setUp(everything);
    writer.close(going);
    writer.close({ code: 1011, reason: Buffer.alloc(0) });
    message(writer, 'a');
    writer.pong(Buffer.from('late'));
    writer.ping(Buffer.from('late'));
    expect(socket.output).toEqual(goingFrame);
    expect(socket.writableEnded).toBe(false);
    writer.end();
    expect(socket.writableEnded).toBe(true);
  });
});

describe('while the kernel is full', () => {
  test('counts what it has not taken', () => {
    const { socket, writer, onDrain } = setUp(1);
    message(writer, 'a');
    expect([writer.blocked, writer.bufferedBytes, writer.queuedMessages]).toEqual([true, 3, 1]);
    message(writer, 'b');
    writer.beginFrame();
    writer.append(hex('01 05 61'), 0, 3, null);
    writer.flush();
    // Two messages and the beginning of a third.
    expect([writer.bufferedBytes, writer.queuedMessages]).toEqual([9, 3]);
    socket.accept(1);
    expect([writer.bufferedBytes, writer.drainedBytes, onDrain.mock.calls.length]).toEqual([9, 0, 0]);
    socket.accept(2);
    // The first has gone; the rest is on its way as one piece.
    expect([writer.bufferedBytes, writer.queuedMessages, writer.drainedBytes]).toEqual([6, 2, 3]);
    expect(onDrain).toHaveBeenCalledTimes(1);
    socket.accept(everything);
    expect([writer.bufferedBytes, writer.queuedMessages, writer.drainedBytes, writer.blocked]).toEqual([
      0,
      0,
      9,
      false,
    ]);
    expect(socket.output).toEqual(hex('81 01 61 81 01 62 01 05 61'));
  });

  test('of any number of pongs only the one under way and the latest wait', () => {
    const { socket, writer } = setUp(0);
    for (let i = 0; i < 10_000; i++) writer.pong(Buffer.from(`pong ${i}`));
    expect(writer.bufferedBytes).toBe(8);
    socket.accept(everything);
    expect(socket.output.toString('latin1')).toBe('\x8a\x06pong 0\x8a\x09pong 9999');
  });

  test('what waits of its own keeps no memory that Node shares among small buffers', () => {
    const { socket, writer } = setUp(0);
    const written: number[] = [];
    const { write } = socket;
    socket.write = (bytes, done) => {
      written.push(bytes.length === 0 ? 0 : bytes.buffer.byteLength);
      return write.call(socket, bytes, done);
    };
    message(writer, 'a');
    writer.pong(Buffer.from('b'));
    writer.close(going);
    written.length = 0;
    socket.accept(everything);
    expect(written.filter((size) => size > 0)).toEqual([3, goingFrame.length]);
  });

  test('a leased buffer is pinned until the kernel has taken all of it, once', () => {
    const { socket, writer } = setUp(2);
    const keeper = { ...owned, pin: vi.fn(), unpin: vi.fn() };
    const counts = () => [keeper.pin.mock.calls.length, keeper.unpin.mock.calls.length];
    message(writer, 'a', keeper);
    expect(counts()).toEqual([1, 0]);
    // What follows is copied, whoever owns it.
    message(writer, 'b', keeper).fill(0);
    expect(counts()).toEqual([1, 0]);
    socket.accept(1);
    expect(counts()).toEqual([1, 1]);
    socket.accept(everything);
    expect(counts()).toEqual([1, 1]);
    expect(socket.output).toEqual(hex('81 01 61 81 01 62'));
  });

  test('the whole of what is kept for a write counts, unless it is lent and counted there', () => {
    const budget = budgetOf();
    const socket = new BlockingSocket(0);
    const writer = legWriter(socket.asSocket, false, budget, () => {});
    const kept = Buffer.allocUnsafeSlow(5000);
    writer.append(kept, 4000, 4100, owned);
    writer.flush();
    // This socket is written to as a stream is, which keeps what waits once more.
    expect([writer.bufferedBytes, writer.capacity, budget.usedBytes]).toEqual([100, 5100, 5100]);
    socket.accept(everything);
    expect([writer.bufferedBytes, writer.capacity, budget.usedBytes]).toEqual([0, 0, 0]);
  });

  test('shared bytes may be overwritten at once', () => {
    for (const size of [10, 4096, 4097, 100_000]) {
      const { socket, writer } = setUp(5);
      const chunk = Buffer.alloc(size, 'a');
      const expected = Buffer.from(chunk);
      for (let i = 0; i < 2; i++) {
        chunk.fill('a');
        writer.beginFrame();
        writer.append(chunk, 0, size, null);
        writer.endFrame(true);
        writer.flush();
        chunk.fill('x');
      }
      // Another leg's copy goes through the same scratch buffer.
      message(setUp(1).writer, 'y');
      socket.accept(everything);
      expect(socket.output.equals(Buffer.concat([expected, expected]))).toBe(true);
    }
  });

  test('a ping and a close frame have left when the kernel has taken them', () => {
    const { socket, writer } = setUp(0);
    message(writer, 'a');
    writer.ping(Buffer.from('?'));
    writer.close(going);
    writer.end();
    expect([writer.pingFlushed, writer.closeSent, writer.closeFlushed, socket.writableEnded]).toEqual([
      ...[false, true, false, false],
    ]);
    socket.accept(3 + 3);
    expect([writer.pingFlushed, writer.closeFlushed, socket.writableEnded]).toEqual([true, false, false]);
    socket.accept(7);
    expect([writer.closeFlushed, socket.writableEnded]).toEqual([true, true]);
    expect(socket.output).toEqual(Buffer.concat([hex('81 01 61 89 01 3f'), goingFrame]));
  });
});

test('what a lost receiver has not taken is summed up and dropped', () => {
  const { socket, writer } = setUp(1);
  const keeper = { ...owned, pin: vi.fn(), unpin: vi.fn() };
  message(writer, 'a', keeper);
  message(writer, 'b');
  socket.destroy();
  writer.abandon();
  expect([writer.undeliveredBytes, writer.bufferedBytes, writer.queuedMessages]).toEqual([6, 0, 0]);
  expect(keeper.unpin).toHaveBeenCalledTimes(1);
  message(writer, 'c');
  expect([writer.undeliveredBytes, writer.bufferedBytes]).toEqual([6, 0]);
});

test('a socket that is destroyed is written to no more', () => {
  const { socket, writer, onDrain } = setUp(1);
  message(writer, 'a');
  message(writer, 'b');
  socket.destroy();
  message(writer, 'c');
  writer.pong(Buffer.from('late'));
  expect(socket.output).toEqual(hex('81'));
  expect(onDrain).not.toHaveBeenCalled();
});
