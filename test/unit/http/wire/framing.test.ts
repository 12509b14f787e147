import { describe, expect, test } from 'vitest';
import { requestFraming, responseFraming } from '../../../../src/http/wire/framing.ts';
import { HeadParser } from '../../../../src/http/wire/head-parser.ts';
import type { Method } from '../../../../src/http/wire/start-line.ts';

/** A parsed head that says this. */
function head(says: { status?: number; chunked?: boolean; contentLength?: number }): HeadParser {
  return Object.assign(new HeadParser('response'), { chunked: false, contentLength: -1, status: 200, ...says });
}

test('a request has the body that it announces', () => {
  expect(requestFraming(head({}))).toBe('none');
  expect(requestFraming(head({ contentLength: 0 }))).toBe('none');
  expect(requestFraming(head({ contentLength: 1 }))).toBe('length');
  expect(requestFraming(head({ chunked: true }))).toBe('chunked');
});

describe('an answer', () => {
  const of = (says: Parameters<typeof head>[0], method: Method = 'GET') => responseFraming(head(says), method);

  test('has the body that it announces, or one up to the end of its connection', () => {
    expect(of({ contentLength: 0 })).toBe('none');
    expect(of({ contentLength: 1 })).toBe('length');
    expect(of({ chunked: true })).toBe('chunked');
    expect(of({})).toBe('close');
  });

  test.each([100, 103, 199, 204, 304])('with the status %d has none', (status) => {
    expect(of({ status, chunked: true })).toBe('none');
    expect(of({ status, contentLength: 5 })).toBe('none');
    expect(of({ status })).toBe('none');
  });

  test('to HEAD has none', () => {
    expect(of({ contentLength: 5 }, 'HEAD')).toBe('none');
    expect(of({ chunked: true }, 'HEAD')).toBe('none');
    expect(of({}, 'HEAD')).toBe('none');
  });
});
