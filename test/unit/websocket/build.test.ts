import { expect, test } from 'vitest';
import { upstreamHeaders } from '../../../src/websocket/build.ts';

const forwarding = [
  ['X-Forwarded-For', '10.0.0.1'],
  ['X-Scheme', 'https'],
] as const;
const added = ['X-Forwarded-For', '10.0.0.1', 'X-Scheme', 'https', 'Connection', 'Upgrade', 'Upgrade', 'websocket'];

test('end-to-end headers keep order, spelling and duplicates; ours follow', () => {
  const raw = [
    'hOsT',
    'A:1',
    'cookie',
    'a',
    'X-Y',
    'z',
    'Cookie',
    'b',
    'Connection',
    'upgrade',
    'Upgrade',
    'WebSocket',
  ];
  expect(upstreamHeaders(raw, { forwarding, trusted: false })).toEqual([
    ...['hOsT', 'A:1', 'cookie', 'a', 'X-Y', 'z', 'Cookie', 'b'],
    ...added,
  ]);
});

test('extensions, a zero length and an expectation stay here', () => {
  const raw = ['Sec-WebSocket-Extensions', 'permessage-deflate', 'Content-Length', '0', 'Expect', '100-continue'];
  expect(upstreamHeaders(raw, { forwarding, trusted: true })).toEqual(added);
});

test('ours stay even where Connection names them', () => {
  const raw = ['Connection', 'close, X-Forwarded-For, X-Scheme, Upgrade', 'X-Forwarded-For', '6.6.6.6'];
  expect(upstreamHeaders(raw, { forwarding, trusted: true })).toEqual(added);
});

test('other forwarding headers pass from a trusted peer only', () => {
  const raw = ['Forwarded', 'for=x', 'X-Forwarded-Prefix', '/p', 'X-Original-Forwarded-For', 'x', 'X_Remote_User', 'x'];
  expect(upstreamHeaders([...raw, 'X_Real_IP', 'x'], { forwarding, trusted: true })).toEqual([...raw, ...added]);
  expect(upstreamHeaders(raw, { forwarding, trusted: false })).toEqual(added);
});
