/**
 * Servers that answer before they have read the body: their answer reaches the client, however much of it is still to
 * come.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, type Question } from './ask.ts';
import { type ServerName, type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn', 'gunicorn', 'tornado');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

/** Enough for the races between the answer, the rest of the body and the reset behind it. */
const tries = 10;

interface Early {
  readonly server: ServerName;
  readonly target: string;
  readonly bodyBytes: number;
  readonly status: number;
  readonly body: string;
}

const refused = { target: '/refuse', status: 401, body: 'who are you?' };
const tooLarge = { target: '/refuse', status: 413, body: 'too large for me' };
// Tornado's whole answer is its status line.
const pastBuffer = { target: '/count', status: 400, body: '' };

const cases: readonly Early[] = [
  { server: 'hypercorn', ...refused, bodyBytes: 3e6 },
  { server: 'hypercorn', ...refused, bodyBytes: 130e6 },
  { server: 'uvicorn', ...refused, bodyBytes: 3e6 },
  { server: 'uvicorn', ...refused, bodyBytes: 130e6 },
  { server: 'gunicorn', ...tooLarge, bodyBytes: 3e6 },
  { server: 'gunicorn', ...tooLarge, bodyBytes: 130e6 },
  { server: 'tornado-small', ...pastBuffer, bodyBytes: 3e6 },
  { server: 'tornado', ...pastBuffer, bodyBytes: 130e6 },
];

/** What came of each try; one that got no answer is its error's words. */
async function outcomes(way: Way, question: Question): Promise<(Answer | string)[]> {
  const results: (Answer | string)[] = [];
  for (let i = 0; i < tries; i++) results.push(await ask(way, question).catch((error: Error) => error.message));
  return results;
}

describe.each(cases)(
  '$server, $status while $bodyBytes bytes are uploaded',
  ({ server, target, bodyBytes, status, body }) => {
    test('reaches the client through Sluice each time, as it reaches one that asks directly', async () => {
      const question = { method: 'POST', target, bodyBytes };
      const [direct, relayed] = servers.ways(server);
      const expected = expect.objectContaining({ status, body });
      // Directly the reset behind the answer may overtake it, where the client still sends: so this one only says what
      // it would send.
      expect(await ask(direct!, { ...question, waits: true })).toEqual(expected);
      expect(await outcomes(relayed!, question)).toEqual(Array.from({ length: tries }, () => expected));
    });
  },
);

test('Sluice says of none of these that an upstream failed', async () => {
  expect(await servers.sluice.metric('upstream_errors_total')).toBe(0);
});
