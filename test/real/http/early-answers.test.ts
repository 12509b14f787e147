/**
 * Servers that answer before they have read the body: their answer reaches the client, however much of it is still to
 * come.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, type Question } from './ask.ts';
import { type ServerName, type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn', 'gunicorn', 'tornado', 'aiohttp');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

/** Enough for the races between the answer, the rest of the body and the reset behind it. */
const tries = 10;

interface Early {
  readonly server: ServerName;
  readonly target: string;
  readonly bodyBytes: number;
  readonly status: number;
  /** A string, or what vitest compares with one. */
  readonly body: unknown;
  /** It says nothing before so much has come. */
  readonly counts?: boolean;
}

const refused = { target: '/refuse', status: 401, body: 'who are you?' };
const tooLarge = { target: '/refuse', status: 413, body: 'too large for me' };
// Tornado's whole answer is its status line.
const pastBuffer = { target: '/count', status: 400, body: '' };

// It counts what comes, whatever was announced; what it says has the size in it.
const pastSize = {
  target: '/count',
  status: 413,
  counts: true,
  body: expect.stringContaining('Maximum request body size'),
};

const cases: readonly Early[] = [
  { server: 'hypercorn', ...refused, bodyBytes: 3e6 },
  { server: 'hypercorn', ...refused, bodyBytes: 130e6 },
  { server: 'uvicorn', ...refused, bodyBytes: 3e6 },
  { server: 'uvicorn', ...refused, bodyBytes: 130e6 },
  { server: 'gunicorn', ...tooLarge, bodyBytes: 3e6 },
  { server: 'gunicorn', ...tooLarge, bodyBytes: 130e6 },
  { server: 'tornado-small', ...pastBuffer, bodyBytes: 3e6 },
  { server: 'tornado', ...pastBuffer, bodyBytes: 130e6 },
  { server: 'aiohttp', ...pastSize, bodyBytes: 130e6 },
];

/** What came of each try; one that got no answer is its error's words. */
async function outcomes(way: Way, question: Question): Promise<(Answer | string)[]> {
  const results: (Answer | string)[] = [];
  for (let i = 0; i < tries; i++) results.push(await ask(way, question).catch((error: Error) => error.message));
  return results;
}

describe.each(cases)(
  '$server, $status while $bodyBytes bytes are uploaded',
  ({ server, target, bodyBytes, status, body, counts = false }) => {
    test.each([
      { lane: 'fast', framing: 'Content-Length' },
      { lane: 'fast', framing: 'chunked' },
      { lane: 'careful', framing: 'Content-Length' },
      { lane: 'careful', framing: 'chunked' },
    ] as const)(
      'reaches the client each time, as it reaches one that asks directly: $lane lane, $framing',
      async (by) => {
        const question = { method: 'POST', target, bodyBytes, chunked: by.framing === 'chunked' };
        const [direct, relayed] = servers.ways(server);
        const way = by.lane === 'fast' ? relayed! : servers.careful(server);
        const expected = expect.objectContaining({ status, body });
        // Directly the reset behind the answer may overtake it, where the client still sends: so this one only says
        // what it would send.
        if (!question.chunked && !counts) expect(await ask(direct!, { ...question, waits: true })).toEqual(expected);
        expect(await outcomes(way, question)).toEqual(Array.from({ length: tries }, () => expected));
      },
    );
  },
);

test('Sluice says of none of these that an upstream failed', async () => {
  expect(await servers.sluice.metric('upstream_errors_total')).toBe(0);
});
