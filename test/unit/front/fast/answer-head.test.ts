import { expect, test } from 'vitest';
import type { HubDuties } from '../../../../src/front/edge-route.ts';
import { leavesUsable, locationOf } from '../../../../src/front/fast/answer-head.ts';
import { responseFraming } from '../../../../src/http/wire/framing.ts';
import { HeadParser, HeadProgress } from '../../../../src/http/wire/head-parser.ts';

function answer(start: string, ...lines: string[]): HeadParser {
  const parser = new HeadParser('response');
  const head = Buffer.from([start, ...lines, '', ''].join('\r\n'));
  expect(parser.feed(head, 0, head.length)).toBe(HeadProgress.head);
  return parser;
}

const ok = 'HTTP/1.1 200 OK';
const chunked = 'Transfer-Encoding: chunked';

test.each([
  ['a length', 'GET', ok, ['Content-Length: 5'], true],
  ['chunks', 'GET', ok, [chunked], true],
  ['no end but that of the connection', 'GET', ok, [], false],
  ['a word that it closes', 'GET', ok, ['Content-Length: 5', 'Connection: close'], false],
  ['HTTP/1.0', 'GET', 'HTTP/1.0 200 OK', ['Content-Length: 5'], false],
  ['HTTP/1.0 that keeps alive', 'GET', 'HTTP/1.0 200 OK', ['Content-Length: 5', 'Connection: keep-alive'], true],
  ['no body', 'GET', 'HTTP/1.1 204 No Content', [], true],
  ['a length that a HEAD does not get', 'HEAD', ok, ['Content-Length: 5'], false],
  ['chunks that a HEAD does not get', 'HEAD', ok, [chunked], false],
  ['a length of nothing', 'HEAD', ok, ['Content-Length: 0'], true],
  ['a length in a 304', 'GET', 'HTTP/1.1 304 Not Modified', ['Content-Length: 5'], false],
])('an answer with %s leaves its connection usable, or not', (_, method, start, lines, usable) => {
  const head = answer(start, ...lines);
  expect(leavesUsable(head, responseFraming(head, method))).toBe(usable);
});

test('a place is named anew where an API has set the route and the answer leads there', () => {
  const hub = { locationFor: (location: string, host: string) => `${host}:${location}` } as unknown as HubDuties;
  const found = answer('HTTP/1.1 302 Found', 'X-Y: z', 'LOCATION: /a', 'Location: /b');
  expect(locationOf(found, hub, 'h')).toBe('h:/a');
  expect(locationOf(found, null, 'h')).toBeNull();
  expect(locationOf(answer('HTTP/1.1 302 Found', 'X-Y: z'), hub, 'h')).toBeNull();
  expect(locationOf(answer(ok, 'Location: /a'), hub, 'h')).toBeNull();
});
