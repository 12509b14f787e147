import fc from 'fast-check';
import { describe, test } from 'vitest';
import { ConnectionOptions } from '../../../src/http/wire/connection.ts';
import type { HeadKind } from '../../../src/http/wire/head.ts';
import { disturbed, pieces, requestHeads, responseHeads } from '../../helpers/arbitrary-heads.ts';
import { readHead } from '../../helpers/head-events.ts';
import { llhttp } from '../../helpers/llhttp.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';
import { cut } from '../../helpers/parser-events.ts';
import kept from './kept.json' with { type: 'json' };

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

describe.each<[HeadKind, fc.Arbitrary<string>]>([
  ['request', requestHeads],
  ['response', responseHeads],
])('a %s', (kind, heads) => {
  const oracle = kind === 'request' ? 'request' : 'response';

  test('that is well formed is read whole, and as llhttp reads it', () => {
    fc.assert(
      fc.property(heads, (text) => {
        const seen = readHead(kind, [bytesOf(`${text}rest`)]);
        if (seen.verdict !== 'head') throw new Error(seen.verdict);
        expectEqual([seen.block, seen.rest], [text, 'rest']);
        sameAsLlhttp(seen.pairs, seen, llhttp(oracle, bytesOf(text)));
      }),
      { numRuns: 1000 },
    );
  });

  test('gets the same verdict however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.oneof(heads, disturbed(heads)), pieces, (text, sizes) => {
        const whole = readHead(kind, [bytesOf(text)]);
        expectEqual(readHead(kind, cut(bytesOf(text), sizes)), whole);
      }),
      { numRuns: 3000, examples: examplesOf(kept.heads[kind as 'request' | 'response']) },
    );
  });

  test('that llhttp refuses, or reads in another way, is never read', () => {
    fc.assert(
      fc.property(disturbed(heads), (text) => {
        const seen = readHead(kind, [bytesOf(text)]);
        if (seen.verdict !== 'head') return;
        sameAsLlhttp(seen.pairs, seen, llhttp(oracle, bytesOf(seen.block)));
      }),
      { numRuns: 20_000, examples: kept.heads[kind as 'request' | 'response'].map(({ text }) => [text]) },
    );
  });

  function sameAsLlhttp(
    pairs: readonly string[],
    { method, target, status, connection, minorVersion, chunked, contentLength }: Head,
    { messages, error }: ReturnType<typeof llhttp>,
  ): void {
    expectEqual([error, messages.length], [null, 1]);
    const [message] = messages;
    expectEqual(message!.headers, pairs);
    if (kind === 'request') expectEqual([message!.method, message!.url], [method, target]);
    else expectSame(message!.status, status);
    if (kind === 'request') {
      expectSame(message!.keepAlive, (connection & ConnectionOptions.close) === 0);
      expectSame(message!.complete, !chunked && contentLength <= 0);
    }
    expectSame([0, 1].includes(minorVersion), true);
  }
});

function examplesOf(finds: readonly { readonly text: string; readonly sizes: number[] }[]): [string, number[]][] {
  return finds.map(({ text, sizes }) => [text, sizes]);
}

type Head = Extract<ReturnType<typeof readHead>, { verdict: 'head' }>;
