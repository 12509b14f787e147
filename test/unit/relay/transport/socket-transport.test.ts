import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { ReadBuffers } from '../../../../src/relay/memory/read-buffers.ts';
import { SocketTransport } from '../../../../src/relay/transport/socket-transport.ts';
import type { TransportListener } from '../../../../src/relay/transport/transport.ts';
import { budgetOf } from '../../../helpers/memory.ts';
import { type SocketPair, socketPair } from '../../../helpers/relay.ts';
import { tlsPair } from '../../../helpers/tls-pair.ts';

/** Counts how often it hears of the end. */
class Listener implements TransportListener {
  ends = 0;
  said = '';
  read(chunk: Buffer, start: number, end: number): void {
    this.said += chunk.toString('latin1', start, end);
  }
  accepted(): void {}
  ended(): void {}
  closed(): void {
    this.ends++;
  }
}

const nothing = Buffer.alloc(0);
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** A transport that somebody has begun to listen to. */
function began([end, side]: SocketPair) {
  onTestFinished(() => void end.destroy());
  const transport = new SocketTransport({ socket: side, head: nothing }, new ReadBuffers(budgetOf()));
  const first = new Listener();
  transport.begin(first);
  return { transport, side, first };
}

const kinds = [
  ['TCP', socketPair],
  ['TLS', () => tlsPair('connects')],
] as const;

test('whoever had a socket before hears nothing of it any more', async () => {
  const [end, side] = await socketPair();
  onTestFinished(() => void end.destroy());
  const heard: string[] = [];
  for (const name of ['data', 'end', 'error', 'close', 'drain', 'finish', 'timeout', 'readable'])
    side.on(name, () => heard.push(name)).on(name, () => heard.push(name));
  const transport = new SocketTransport({ socket: side, head: nothing }, new ReadBuffers(budgetOf()));
  const listener = new Listener();
  transport.begin(listener);
  transport.resume();
  const closed = once(side, 'close');
  end.end('said');
  side.end();
  await closed;
  expect([listener.said, heard]).toEqual(['said', []]);
});

test.each(kinds)('whoever is given one that has closed hears of its end too, once (%s)', async (_kind, pair) => {
  const { transport, side, first } = began(await pair());
  const closed = once(side, 'close');
  side.destroy();
  await closed;
  expect(first.ends).toBe(1);
  transport.handOver(Buffer.from('last words'));
  const second = new Listener();
  transport.begin(second);
  expect(second.ends, 'not while it begins').toBe(0);
  expect(second.said, 'what was read before it closed').toBe('last words');
  await nextTurn();
  expect(second.ends).toBe(1);
  await nextTurn();
  expect([first.ends, second.ends]).toEqual([1, 1]);
});

test.each(kinds)('one that is about to close tells whoever has it by then, once (%s)', async (_kind, pair) => {
  const { transport, side, first } = began(await pair());
  const closed = once(side, 'close');
  side.destroy();
  transport.handOver(nothing);
  const second = new Listener();
  transport.begin(second);
  await closed;
  await nextTurn();
  await nextTurn();
  expect([first.ends, second.ends]).toEqual([0, 1]);
});
