import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { BearerJudge } from '../../../../src/admission/auth/bearer/bearer.ts';
import { parseTokens, type Tokens } from '../../../../src/admission/auth/bearer/tokens.ts';
import { authRequest, edited } from './requests.ts';

const token = 'c2x1aWNl-0123456789abcdef';
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const file = `# tokens\nci:sha256:${digest(token)}\n\nalice:sha256:${digest('other').toUpperCase()}\r\n`;

async function tokensOf(text: string): Promise<Tokens> {
  const parsed = await parseTokens(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

const tokens = await tokensOf(file);
const judge = new BearerJudge({ tokens: () => tokens, forward: false });
const withToken = (value: string) => ['Authorization', `Bearer ${value}`];

describe('bearer', () => {
  test('lets the owner of a token in, and keeps the token from the backend', () => {
    const headers = withToken(token);
    const decision = judge.decide(authRequest(headers));
    expect(decision).toMatchObject({ is: 'admitted', identity: { name: 'ci' } });
    if (decision.is === 'admitted') expect(edited(decision.edits, [...headers, 'X', '1']).lines).toEqual(['X: 1']);
    expect(judge.decide(authRequest(withToken('other')))).toMatchObject({ identity: { name: 'alice' } });
  });

  test('passes the token on where it is told to', () => {
    const passing = new BearerJudge({ tokens: () => tokens, forward: true });
    const decision = passing.decide(authRequest(withToken(token)));
    if (decision.is === 'admitted') expect(edited(decision.edits, withToken(token)).lines).toHaveLength(1);
    expect(decision.is).toBe('admitted');
  });

  test.each([
    ['another', ['Authorization', 'Bearer nobodys'], 'unknown'],
    ['an empty one', ['Authorization', 'Bearer '], 'unknown'],
    ['its digest', ['Authorization', `Bearer ${digest(token)}`], 'unknown'],
    ['one of 1 MB', ['Authorization', `Bearer ${'x'.repeat(1_000_000)}`], 'too_long'],
    ['two', [...withToken(token), ...withToken(token)], 'several'],
  ])('refuses %s', (_, headers, result) => {
    expect(judge.decide(authRequest(headers))).toMatchObject({ is: 'refused', result, guessed: true });
  });

  test('finds nothing in other schemes', () => {
    expect(judge.brings(authRequest(['Authorization', 'Basic YTpi']))).toBe(false);
    expect(judge.brings(authRequest(withToken(token)))).toBe(true);
    expect(judge.challenge()).toEqual({ authenticate: 'Bearer' });
  });

  test('lets nobody in while its file cannot be read', () => {
    const blind = new BearerJudge({ tokens: () => null, forward: false });
    expect(blind.decide(authRequest(withToken(token)))).toMatchObject({ result: 'unavailable', guessed: false });
  });
});

test.each([
  ['', 'holds no token'],
  ['# nothing\n', 'holds no token'],
  ['ci:plain', 'line 1 is no token'],
  [`:sha256:${digest('x')}`, 'line 1 is no token'],
  [`\nci:sha256:${digest('x')}0`, 'line 2 is no token'],
  [`a:sha256:${digest('x')}\nb:sha256:${digest('x')}`, 'line 2 repeats the token'],
])('a file of tokens %j %s', async (text, problem) => {
  const parsed = await parseTokens(text);
  expect('problem' in parsed && parsed.problem).toContain(problem);
  if (text.includes('plain')) expect(JSON.stringify(parsed)).not.toContain('plain');
});
