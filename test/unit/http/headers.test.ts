import { expect, test } from 'vitest';
import { requestFields, responseHeaders, trailerFields } from '../../../src/http/headers.ts';

test('keeps order, spelling and duplicates of end-to-end headers', () => {
  expect(requestFields(['Host', 'h', 'B', '1', 'a', '2', 'b', '3'], [], false)).toEqual([
    ['Host', ['h']],
    ['B', ['1', '3']],
    ['a', ['2']],
  ]);
});

test('leaves out hop-by-hop headers, framing, expectations and what Connection names', () => {
  const raw = ['Connection', 'x-a , CLOSE', 'CONNECTION', 'x-b', 'X-A', '1', 'x-b', '2', 'x-c', '3'];
  for (const name of ['Keep-Alive', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Content-Length', 'Expect']) {
    raw.push(name, 'x');
  }
  expect(requestFields(raw, [], false)).toEqual([['x-c', ['3']]]);
});

test('Connection cannot name what carries meaning, nor what Sluice sets', () => {
  const raw = ['Connection', 'Host, Origin, Cookie, Authorization, X-Real-IP', 'Host', 'h', 'Origin', 'o'];
  raw.push('Cookie', 'c', 'Authorization', 'a', 'X-Real-IP', 'forged');
  expect(requestFields(raw, [['X-Real-IP', '203.0.113.9']], false)).toEqual([
    ['Host', ['h']],
    ['Origin', ['o']],
    ['Cookie', ['c']],
    ['Authorization', ['a']],
    ['X-Real-IP', ['203.0.113.9']],
  ]);
});

test('Connection cannot name what a trusted peer says of its client', () => {
  const raw = ['Connection', 'X-Remote-User, X-A', 'X-Remote-User', 'ann', 'X-A', '1'];
  expect(requestFields(raw, [], true)).toEqual([['X-Remote-User', ['ann']]]);
});

test('drops forwarding headers unless their sender is trusted, and replaces those that Sluice sets in both cases', () => {
  const raw = ['Forwarded', 'for=x', 'X-Forwarded-For', 'x', 'x-forwarded-port', '1', 'X-Scheme', 'ftp'];
  const ours = [['X-Forwarded-For', '203.0.113.9']] as const;
  expect(requestFields(raw, ours, false)).toEqual([['X-Forwarded-For', ['203.0.113.9']]]);
  expect(requestFields(raw, ours, true)).toEqual([
    ['Forwarded', ['for=x']],
    ['x-forwarded-port', ['1']],
    ['X-Forwarded-For', ['203.0.113.9']],
  ]);
});

test('several lines of one name that Sluice sets all go', () => {
  const ours = [
    ['X-Groups', 'a'],
    ['X-User', 'ann'],
    ['x-groups', 'b'],
  ] as const;
  expect(requestFields([], ours, false)).toEqual([
    ['X-Groups', ['a', 'b']],
    ['X-User', ['ann']],
  ]);
});

test('responses keep every line, but not hop-by-hop ones', () => {
  const raw = ['Set-Cookie', 'a', 'Connection', 'x-hop', 'X-Hop', '1', 'set-cookie', 'b', 'Content-Length', '3'];
  raw.push('Trailer', 'X-Sum', 'Upgrade', 'h2c', 'Transfer-Encoding', 'chunked', 'Keep-Alive', 'timeout=5');
  expect(responseHeaders(raw, { contentLength: true, trailer: false })).toEqual([
    'Set-Cookie',
    'a',
    'set-cookie',
    'b',
    'Content-Length',
    '3',
  ]);
  expect(responseHeaders(raw, { contentLength: false, trailer: true })).toEqual([
    'Set-Cookie',
    'a',
    'set-cookie',
    'b',
    'Trailer',
    'X-Sum',
  ]);
});

test('trailers carry no framing, routing or credentials', () => {
  const raw = ['X-Sum', '1', 'Content-Length', '5', 'Transfer-Encoding', 'chunked', 'Host', 'h', 'Authorization', 'a'];
  expect(trailerFields(raw, [])).toEqual([['X-Sum', '1']]);
});

test('what is kept out of a head is kept out of the trailers, in every spelling, and so is what `Connection` nominates', () => {
  const raw = [
    'X-Forwarded-For',
    '1',
    'X_Real_IP',
    '1',
    'X-Remote-User',
    'root',
    'Content_Length',
    '5',
    'X-Hop',
    '1',
    'X',
    '1',
  ];
  expect(trailerFields(raw, ['Connection', 'x-hop'])).toEqual([['X', '1']]);
});

test('a request tells nothing of its client in another spelling', () => {
  const raw = [
    'X_Forwarded_For',
    '1',
    'X-Forwarded_Proto',
    'https',
    'X-Remote-User',
    'root',
    'CF-Connecting-IP',
    '1',
    'A_b',
    'c',
  ];
  expect(requestFields(raw, [], false)).toEqual([['A_b', ['c']]]);
  expect(requestFields(raw, [], true)).toEqual([
    ['X-Remote-User', ['root']],
    ['CF-Connecting-IP', ['1']],
    ['A_b', ['c']],
  ]);
});
