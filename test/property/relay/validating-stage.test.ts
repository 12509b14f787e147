/**
 * Every message is judged as a plain oracle judges the whole of it, however it was cut, and what passes passes byte for
 * byte.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Finding, FrameSink } from '../../../src/relay/core/stage.ts';
import { ValidatingStage } from '../../../src/relay/core/validating-stage.ts';
import { MemoryBudget } from '../../../src/relay/memory/memory-budget.ts';
import { judgeText } from '../../../src/validation/judge.ts';
import type { MessageRules } from '../../../src/validation/types.ts';
import { Event, FrameParser } from '../../../src/websocket/frame-parser.ts';
import { cuts, framesOf, messageSchema, payloads } from '../../helpers/json-messages.ts';
import { expectSame } from '../../helpers/often.ts';
import { compile } from '../../helpers/schema-check.ts';

const compiled = compile(JSON.stringify(messageSchema));
if ('problem' in compiled) throw new Error(compiled.problem);
const oracle = new Ajv2020({ strict: false, strictNumbers: true, ownProperties: true }).compile(messageSchema);
const maxDepth = 16;

function isGood(payload: Buffer): boolean {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    return false;
  }
  return depthOf(value) <= maxDepth && oracle(value);
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

const rules: MessageRules = {
  maxTextBytes: 100_000,
  action: 'reply',
  rejectsBinary: false,
  judge: (payload) => judgeText(payload, { maxDepth, schema: compiled.value }),
  describe: ({ rule, path }) => `${rule} ${path}`,
  answer: (detail) => Buffer.from(detail),
};

/** What came out, and what was found. */
function pass(reads: readonly Buffer[], masked: boolean): { out: Buffer; found: Finding[]; held: number } {
  const memory = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const stage = new ValidatingStage({ sender: masked ? 'client' : 'upstream', memory, rules: () => rules });
  const parser = new FrameParser(masked);
  const out: Buffer[] = [];
  const found: (Finding | null)[] = [];
  const sink: FrameSink = {
    beginFrame() {},
    append: (chunk, start, end) => out.push(Buffer.from(chunk.subarray(start, end))),
    endFrame() {},
    flush() {},
  };
  for (const read of reads) {
    // As in a buffer that is used again: what is kept must be copied.
    const chunk = Buffer.from(read);
    parser.feed(chunk, 0, chunk.length);
    for (let event = parser.next(); event !== Event.starved; event = parser.next()) {
      expectSame(event === Event.fault, false);
      if (event === Event.frame) found.push(stage.begin(parser, null, sink));
      else if (event === Event.payload) stage.payload(parser, null, sink);
      else if (event === Event.end) found.push(stage.end(parser, sink));
    }
    expectSame(memory.usedBytes, stage.capacity);
    chunk.fill(0xee);
  }
  return { out: Buffer.concat(out), found: found.filter((one) => one !== null), held: memory.usedBytes };
}

/** Cuts bytes into reads. */
function readsOf(bytes: Buffer, at: readonly number[]): Buffer[] {
  const ends = [...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end));
}

test('10 000 messages are judged as by JSON.parse and ajv on the whole, and the good ones pass as they came', () => {
  let good = 0;
  let messages = 0;
  const message = fc.record({ payload: payloads, cuts, pings: fc.boolean() });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), cuts, fc.boolean(), (all, reads, masked) => {
      const frames = all.map((one) => framesOf(one.payload, one.cuts, masked, 1, one.pings));
      const { out, found, held } = pass(readsOf(Buffer.concat(frames.flat()), reads), masked);
      const wanted = all.flatMap((one) => (isGood(one.payload) ? framesOf(one.payload, one.cuts, masked) : []));
      expectSame(out.equals(Buffer.concat(wanted)), true);
      expectSame(found.length, all.filter((one) => !isGood(one.payload)).length);
      expectSame(held, 0);
      messages += all.length;
      good += all.filter((one) => isGood(one.payload)).length;
    }),
    { numRuns: 4500 },
  );
  expect(messages).toBeGreaterThan(10_000);
  // Neither kind is rare, or the test would say little.
  expect(good).toBeGreaterThan(500);
  expect(messages - good).toBeGreaterThan(500);
});
