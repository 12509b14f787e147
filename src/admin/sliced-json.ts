/**
 * Large answers, made element by element, so that neither describing nor writing thousands of routes holds the relay
 * up.
 */
import { Pace, type Turns } from '../observe/metrics/pace.ts';
import { type Answer, jsonType } from './answer.ts';

/** A value whose lists are made while they are written. */
export type Lazy<T> = { readonly [K in keyof T]: T[K] extends readonly (infer Item)[] ? Iterable<Item> : T[K] };

/** `make` of each item, when it is asked for. */
export function* lazily<Item, Made>(items: Iterable<Item>, make: (item: Item) => Made): Generator<Made> {
  for (const item of items) yield make(item);
}

const pieceLength = 64 * 1024;
/** The answer that is being made. */
let last: Promise<unknown> = Promise.resolve();

/** The asker, as far as it matters whether somebody still waits. */
export interface Requester {
  readonly req: { readonly socket: { readonly destroyed: boolean } };
}

/** For nobody. */
const gone: Answer = { status: 408, type: jsonType, body: '' };

/** Makes the same answer as `json`. One is made at a time, so that many askers do not hold as many half-made ones. */
export function slicedJson({ req }: Requester, status: number, value: Lazy<object>, turns?: Turns): Promise<Answer> {
  const answer = last.then(() => (req.socket.destroyed ? gone : make(status, value, new Pace(turns))));
  last = answer.catch(() => {});
  return answer;
}

async function make(status: number, value: Lazy<object>, pace: Pace): Promise<Answer> {
  await pace.rest();
  const pieces: Buffer[] = [];
  let text = '';
  let before = '{\n  ';
  for (const [key, field] of Object.entries(value)) {
    text += `${before}${JSON.stringify(key)}: `;
    before = ',\n  ';
    if (!isList(field)) {
      text += indented(field, 2);
      continue;
    }
    let count = 0;
    for (const item of field) {
      text += `${count++ === 0 ? '[' : ','}\n    ${indented(item, 4)}`;
      if (text.length >= pieceLength) {
        pieces.push(Buffer.from(text));
        text = '';
      }
      if (pace.isOver) await pace.rest();
    }
    text += count === 0 ? '[]' : '\n  ]';
  }
  pieces.push(Buffer.from(`${text}\n}\n`));
  return { status, type: jsonType, body: pieces };
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function indented(value: unknown, spaces: number): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
