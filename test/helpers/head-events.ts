/** What the parsers of HTTP say about bytes, in a form that tests can compare however the bytes were cut. */
import { BodyEvent, BodyParser } from '../../src/http/wire/body-parser.ts';
import type { Framing } from '../../src/http/wire/framing.ts';
import type { HeadKind } from '../../src/http/wire/head.ts';
import { HeadParser, HeadProgress } from '../../src/http/wire/head-parser.ts';

/** A head as a plain value. */
export interface SeenHead {
  readonly verdict: 'head';
  readonly block: string;
  readonly pairs: readonly string[];
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly minorVersion: number;
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly connection: number;
  readonly flags: readonly boolean[];
  /** What stands behind the head in the chunk that ended it, and in later ones. */
  readonly rest: string;
}

/** Another verdict, with all bytes that were read so far and not given to anyone. */
export interface SeenOther {
  readonly verdict: Exclude<keyof typeof HeadProgress, 'head'>;
  readonly bytes: string;
}

const names = Object.fromEntries(Object.entries(HeadProgress).map(([name, value]) => [value, name]));

/** Chunks between foreign bytes, as in a reused read buffer. */
function framed(bytes: Buffer): { readonly chunk: Buffer; readonly start: number; readonly end: number } {
  const start = 5;
  const chunk = Buffer.alloc(start + bytes.length + 3, 0x0a);
  chunk.set(bytes, start);
  return { chunk, start, end: start + bytes.length };
}

/** Feeds chunks to a head parser up to its first verdict. Each chunk is overwritten once it is used up. */
export function readHead(kind: HeadKind, chunks: readonly Buffer[]): SeenHead | SeenOther {
  const parser = new HeadParser(kind);
  parser.reset();
  for (const [i, bytes] of chunks.entries()) {
    const { chunk, start, end } = framed(bytes);
    const verdict = parser.feed(chunk, start, end);
    const behind = () => Buffer.concat([chunk.subarray(parser.position, end), ...chunks.slice(i + 1)]);
    if (verdict === HeadProgress.head) return seenHead(parser, behind());
    if (verdict !== HeadProgress.starved) {
      const read = parser.bytes.subarray(parser.start, parser.end);
      const all = Buffer.concat([read, behind()]).toString('latin1');
      return { verdict: names[verdict] as SeenOther['verdict'], bytes: all };
    }
    if (parser.position !== end) throw new Error(`starved at ${parser.position} of ${end}`);
    chunk.fill(0x0a);
  }
  return { verdict: 'starved', bytes: parser.bytes.toString('latin1', parser.start, parser.end) };
}

function seenHead(parser: HeadParser, rest: Buffer): SeenHead {
  const { bytes, method, status, minorVersion, contentLength, chunked, connection } = parser;
  return {
    verdict: 'head',
    block: bytes.toString('latin1', parser.start, parser.end),
    pairs: parser.pairs(),
    method,
    target: bytes.toString('latin1', parser.targetStart, parser.targetEnd),
    status,
    minorVersion,
    contentLength,
    chunked,
    connection,
    flags: [parser.upgrades, parser.hasDate, parser.forwards],
    rest: rest.toString('latin1'),
  };
}

/** What a body parser makes of bytes. */
export interface SeenBody {
  readonly passed: string;
  readonly event: keyof typeof BodyEvent;
  readonly payloadBytes: number;
  readonly announced: number;
  readonly fault: string;
  readonly rest: string;
}

const bodyNames = Object.fromEntries(Object.entries(BodyEvent).map(([name, value]) => [value, name]));

/** Feeds chunks to a body parser up to its end. */
export function readBody(
  framing: Framing,
  length: number,
  chunks: readonly Buffer[],
  limit = Number.POSITIVE_INFINITY,
): SeenBody {
  const parser = new BodyParser();
  parser.begin(framing, length, limit);
  let passed = '';
  const seen = (event: number, rest: string): SeenBody => ({
    passed,
    event: bodyNames[event] as keyof typeof BodyEvent,
    payloadBytes: parser.payloadBytes,
    announced: parser.announced,
    fault: parser.fault,
    rest,
  });
  for (const [i, bytes] of chunks.entries()) {
    const { chunk, start, end } = framed(bytes);
    parser.feed(chunk, start, end);
    let event = parser.next();
    for (; event === BodyEvent.pass; event = parser.next()) {
      if (parser.spanStart >= parser.spanEnd) throw new Error(`span ${parser.spanStart} to ${parser.spanEnd}`);
      passed += parser.bytes.toString('latin1', parser.spanStart, parser.spanEnd);
    }
    if (event !== BodyEvent.starved) {
      if (parser.next() !== event) throw new Error('an end must stay');
      const rest = Buffer.concat([chunk.subarray(parser.position, end), ...chunks.slice(i + 1)]);
      // Where an error is found depends on how the bytes were cut; nothing behind it is read.
      return seen(event, event === BodyEvent.over || event === BodyEvent.fault ? '' : rest.toString('latin1'));
    }
    if (parser.position !== end) throw new Error(`starved at ${parser.position} of ${end}`);
    chunk.fill(0x0a);
  }
  return seen(BodyEvent.starved, '');
}
