import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { RestingLines } from '../../../../src/front/fast/resting-lines.ts';
import { UpstreamLines } from '../../../../src/front/fast/upstream-line.ts';
import { budgetOf, buffersOf } from '../../../helpers/memory.ts';

/** A connection that a pool lends, twice if it must, and what its owners hear of it. */
function lent() {
  const stream = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const socket = Object.assign(stream, { setNoDelay() {}, setKeepAlive() {} }) as unknown as Socket;
  const told: string[] = [];
  const tell = (word: string) => () => void told.push(word);
  const lease = { socket, reused: false, connectMs: 1, giveBack: tell('given back'), discard: tell('discarded') };
  const owner = { read: tell('read'), drained: tell('drained'), ended: tell('ended'), gone: tell('gone') };
  const resting = new RestingLines({ add() {}, delete() {} });
  const lines = new UpstreamLines({ budget: budgetOf(), buffers: buffersOf(1_000_000) }, resting);
  return { lines, lease, owner, socket, stream, told };
}

test('who has discarded a line hears nothing more of it: a request that is sent once more has another by then', async () => {
  const { lines, lease, owner, socket, told } = lent();
  const closed = once(socket, 'close');
  lines.take(lease, owner).discard();
  await closed;
  await new Promise(setImmediate);
  expect(told).toEqual(['discarded']);
});

test('a connection keeps its line from one owner to the next, and closes where its upstream speaks between them', async () => {
  const { lines, lease, owner, stream, told } = lent();
  const line = lines.take(lease, owner);
  lines.giveBack(line);
  const again = lines.take({ ...lease, reused: true }, owner);
  expect([again === line, again.reused]).toEqual([true, true]);
  stream.push('x');
  await new Promise(setImmediate);
  lines.giveBack(line);
  const closed = once(stream, 'close');
  stream.push('y');
  await closed;
  expect(told).toEqual(['given back', 'read', 'given back']);
});
