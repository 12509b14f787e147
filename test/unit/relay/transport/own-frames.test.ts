import { expect, test } from 'vitest';
import { OwnFrames } from '../../../../src/relay/transport/own-frames.ts';
import { Opcode } from '../../../../src/websocket/opcodes.ts';

const going = { code: 1012, reason: Buffer.from('bye') };
const names: Readonly<Record<number, string>> = {
  [Opcode.text]: 'text',
  [Opcode.close]: 'close',
  [Opcode.ping]: 'ping',
  [Opcode.pong]: 'pong',
};

function setUp() {
  const own = new OwnFrames();
  const sent: string[] = [];
  const sink = {
    sendOwn: (opcode: number, payload: Buffer) =>
      void sent.push(opcode === Opcode.close ? 'close' : `${names[opcode]} ${payload}`),
  };
  /** A boundary of frames, or of messages too. */
  const at = (boundary: 'frame' | 'message') => {
    own.sendTo(sink, boundary === 'frame');
    return sent.splice(0);
  };
  return { own, at };
}

test('in one place they go in one order, the close frame behind all', () => {
  const { own, at } = setUp();
  expect([own.any, at('message')]).toEqual([false, []]);
  own.close(going);
  own.say(Buffer.from('told'));
  own.ping(Buffer.from('1'));
  own.pong(Buffer.from('2'));
  expect([own.any, own.hasPong, own.hasClose, own.closeSent]).toEqual([true, true, true, false]);
  expect(at('message')).toEqual(['pong 2', 'ping 1', 'text told', 'close']);
  expect([own.hasPong, own.hasClose, own.closeSent, own.closeLeft, own.pingLeft]).toEqual([
    ...[false, false, true, false, false],
  ]);
  for (const opcode of [Opcode.pong, Opcode.ping, Opcode.text, Opcode.close]) own.left(opcode);
  expect([own.any, own.saying, own.closeLeft, own.pingLeft]).toEqual([false, false, true, true]);
});

test('the latest pong alone waits while another is under way', () => {
  const { own, at } = setUp();
  for (const answer of ['1', '2']) own.pong(Buffer.from(answer));
  expect(at('frame')).toEqual(['pong 2']);
  for (const answer of ['3', '4']) own.pong(Buffer.from(answer));
  expect(at('frame')).toEqual([]);
  own.left(Opcode.pong);
  expect(at('frame')).toEqual(['pong 4']);
});

test('texts wait for the end of a message, and for none behind a close frame', () => {
  const { own, at } = setUp();
  own.say(Buffer.from('one'));
  expect([at('frame'), own.saying]).toEqual([[], true]);
  expect(at('message')).toEqual(['text one']);
  expect(own.saying).toBe(true);
  own.left(Opcode.text);
  expect(own.saying).toBe(false);
  own.say(Buffer.from('two'));
  own.close(going);
  expect([at('frame'), own.saying, own.any]).toEqual([['close'], false, false]);
});
