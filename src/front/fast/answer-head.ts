/** What the head of an upstream's answer decides, beside what it says to the client. */
import { ConnectionOptions } from '../../http/wire/connection.ts';
import type { Framing } from '../../http/wire/framing.ts';
import { type Head, maxHeadLines } from '../../http/wire/head.ts';
import { HeadProgress, maxHeadBytes } from '../../http/wire/head-parser.ts';
import { type HubDuties, redirects } from '../edge-route.ts';

/** Why what came is no answer, for people. */
export const badAnswers: Partial<Record<HeadProgress, string>> = {
  [HeadProgress.careful]: 'the answer is no HTTP/1.1, or its framing can be read in several ways',
  [HeadProgress.tooLarge]: `the header of the answer has more than ${maxHeadBytes} bytes`,
  [HeadProgress.tooManyLines]: `the header of the answer has more than ${maxHeadLines} lines`,
};

/** Whether the upstream goes on with its connection behind this answer, and nothing can hide in it then. */
export function leavesUsable(answer: Head, framing: Framing): boolean {
  return framing !== 'close' && keepsAlive(answer) && isClear(answer, framing);
}

/** RFC 9112 §9.3. */
function keepsAlive({ minorVersion, connection }: Head): boolean {
  if ((connection & ConnectionOptions.close) !== 0) return false;
  return minorVersion === 1 || (connection & ConnectionOptions.keepAlive) !== 0;
}

/**
 * Whether nothing behind the answer could be taken for its body. A body that is announced and does not come, as to
 * HEAD, may come all the same.
 */
function isClear({ contentLength, chunked }: Head, framing: Framing): boolean {
  return framing !== 'none' || (contentLength <= 0 && !chunked);
}

/** The place to which the answer of an API's route sends the client, as the client knows it; `null`: as it stands. */
export function locationOf(answer: Head, hub: HubDuties | null, host: string): string | null {
  if (hub === null || !redirects.has(answer.status)) return null;
  for (let i = 0; i < answer.lines; i++) {
    if (answer.name(i).toLowerCase() === 'location') return hub.locationFor(answer.value(i), host);
  }
  return null;
}
