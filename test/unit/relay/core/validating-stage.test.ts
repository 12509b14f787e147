import { expect, test } from 'vitest';
import type { Finding, FrameSink } from '../../../../src/relay/core/stage.ts';
import { ValidatingStage } from '../../../../src/relay/core/validating-stage.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import type { MessageRules } from '../../../../src/validation/types.ts';
import { Event, FrameParser } from '../../../../src/websocket/frame-parser.ts';
import { clientFrame, frame } from '../../../helpers/frames.ts';

const rules: MessageRules = {
  maxTextBytes: 2_000_000,
  action: 'reply',
  rejectsBinary: false,
  judge: (payload) => (payload.includes('bad') ? { rule: 'r', path: '/p' } : null),
  describe: ({ rule, path }) => `${rule}${path}`,
  answer: (detail) => Buffer.from(`no: ${detail}`),
};

function stageOf(changes: Partial<MessageRules> | null = {}, sender: 'client' | 'upstream' = 'client') {
  const memory = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  let now: MessageRules | null = changes && { ...rules, ...changes };
  const stage = new ValidatingStage({ sender, memory, rules: () => now });
  const parser = new FrameParser(sender === 'client');
  const out: Buffer[] = [];
  let messages = 0;
  const sink: FrameSink = {
    beginFrame() {},
    append: (chunk, start, end) => out.push(Buffer.from(chunk.subarray(start, end))),
    endFrame: (endsMessage) => {
      if (endsMessage) messages++;
    },
    flush() {},
  };
  return {
    ...{ stage, memory },
    get passed() {
      return Buffer.concat(out);
    },
    get messages() {
      return messages;
    },
    ask(changed: MessageRules | null) {
      now = changed;
    },
    read(bytes: Buffer): Finding[] {
      const found: (Finding | null)[] = [];
      parser.feed(bytes, 0, bytes.length);
      for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
        if (event === Event.frame) found.push(stage.begin(parser, null, sink));
        else if (event === Event.payload) stage.payload(parser, null, sink);
        else if (event === Event.end) found.push(stage.end(parser, sink));
      }
      return found.filter((one) => one !== null);
    },
  };
}

test('a message whole in one read is judged where it stands, and nothing is held', () => {
  const one = stageOf();
  const bytes = Buffer.concat([clientFrame('good'), clientFrame(''), clientFrame('good', { opcode: 2 })]);
  expect(one.read(bytes)).toEqual([]);
  expect(one.passed).toEqual(bytes);
  expect([one.messages, one.stage.capacity]).toEqual([3, 0]);
});

test('a bad message is dropped and told, with what its sender is answered', () => {
  const one = stageOf();
  expect(one.read(clientFrame('bad'))).toEqual([
    {
      violation: {
        sender: 'client',
        limit: 'validate',
        configured: 0,
        observed: 1,
        partial: false,
        action: 'reply',
        detail: 'r/p',
      },
      answer: Buffer.from('no: r/p'),
    },
  ]);
  expect(one.read(Buffer.concat([clientFrame('b', { fin: false }), clientFrame('ad', { opcode: 0 })]))).toHaveLength(1);
  expect([one.passed.length, one.memory.usedBytes]).toEqual([0, 0]);
});

test('what is reported passes all the same, whole or in parts, text or binary', () => {
  const one = stageOf({ action: 'report', rejectsBinary: true }, 'upstream');
  const bytes = Buffer.concat([
    frame('bad'),
    frame('b', { fin: false }),
    frame('ad', { opcode: 0 }),
    frame('x', { opcode: 2 }),
  ]);
  const found = one.read(bytes);
  expect(found.map(({ violation, answer }) => [violation.action, violation.detail, answer])).toEqual([
    ['report', 'r/p', null],
    ['report', 'r/p', null],
    ['report', 'binary', null],
  ]);
  expect(one.passed).toEqual(bytes);
});

test('a message takes the rules that hold when it begins', () => {
  const one = stageOf(null);
  const first = clientFrame('b', { fin: false });
  expect(one.read(first)).toEqual([]);
  one.ask(rules);
  expect(one.read(clientFrame('ad', { opcode: 0 }))).toEqual([]);
  expect(one.read(clientFrame('bad'))).toHaveLength(1);
  one.ask(null);
  expect(one.read(clientFrame('bad'))).toEqual([]);
  expect(one.messages).toBe(2);
});

test('memory follows what has come, not what is announced, and is given back', () => {
  const one = stageOf();
  one.read(clientFrame('', { length: 1_900_000 }));
  expect(one.memory.usedBytes).toBe(512);
  one.read(Buffer.alloc(100_000));
  expect(one.memory.usedBytes).toBe(100_014);
  expect(one.stage.heldBytes).toBe(100_014);
  one.stage.drop();
  one.stage.drop();
  expect([one.memory.usedBytes, one.stage.heldBytes]).toEqual([0, 0]);
});

test('a megabyte in fragments of one byte costs seven times its bytes, and what it is judged by is all of it', () => {
  const size = 1024 * 1024;
  let judged = 0;
  const one = stageOf({
    judge(payload) {
      judged = payload.length;
      return null;
    },
  });
  const inner = clientFrame('a', { opcode: 0, fin: false });
  const all = Buffer.concat([
    clientFrame('a', { fin: false }),
    ...Array.from({ length: size - 2 }, () => inner),
    clientFrame('a', { opcode: 0 }),
  ]);
  let most = 0;
  for (let at = 0; at < all.length; at += 65_536) {
    one.read(all.subarray(at, at + 65_536));
    most = Math.max(most, one.memory.usedBytes);
  }
  expect(judged).toBe(size);
  expect(one.passed.equals(all)).toBe(true);
  expect(most).toBeLessThan(2 * all.length);
});
