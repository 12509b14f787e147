import { expect, test } from 'vitest';
import {
  asOfApi,
  refusalBytes,
  refusalOf,
  refuseHandshake,
  refuseHttp,
  renderRefusal,
} from '../../../src/front/errors.ts';

const tooBig = refuseHttp('body_too_large', {
  route: 'panel<script>',
  limit: { name: 'http.max_body_size', configured: 10, observed: 11 },
});

test.each([
  [undefined, 'text/plain'],
  ['*/*', 'text/plain'],
  ['image/png', 'text/plain'],
  ['application/json', 'application/json'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html'],
  ['text/html;q=0.5, application/json;q=0.9', 'application/json'],
  ['application/json;q=0, text/plain', 'text/plain'],
  ['application/json;q=nonsense', 'text/plain'],
  ['TEXT/HTML', 'text/html'],
  // Nobody sends more parameters than seven, and thirty thousand would take 20 ms.
  ['text/html;a;b;c;d;e;f;g;q=0, application/json;q=0.1', 'text/html'],
])('Accept %s gets %s', (accept, type) => {
  const { headers } = renderRefusal(tooBig, accept);
  expect(Object.fromEntries(headers)['Content-Type']).toBe(`${type}; charset=utf-8`);
});

test('JSON says what, where, the limit, the value and what to change', () => {
  expect(JSON.parse(String(renderRefusal(tooBig, 'application/json').body))).toEqual({
    error: 'body_too_large',
    status: 413,
    message: 'the request body exceeds the limit of the route',
    route: 'panel<script>',
    limit: { name: 'http.max_body_size', configured: 10, observed: 11 },
    remedy: 'send less at once, or raise `http.max_body_size` of the route',
  });
});

test('text says the same for people', () => {
  expect(String(renderRefusal(tooBig, 'text/plain').body)).toBe(
    '413 Payload Too Large: the request body exceeds the limit of the route\nroute: panel<script>\n' +
      'http.max_body_size: 10, seen: 11\nwhat to do: send less at once, or raise `http.max_body_size` of the route\n',
  );
});

test('HTML is escaped', () => {
  const body = String(renderRefusal(tooBig, 'text/html').body);
  expect(body).toContain('panel&#60;script&#62;');
  expect(body).not.toContain('<script>');
});

test('a refused handshake is a whole response for a bare socket', () => {
  const refusal = refuseHandshake('unsupported_version', { route: null, limit: null });
  const [head, body] = String(refusalBytes(refusal, 'application/json')).split('\r\n\r\n') as [string, string];
  expect(head).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
  expect(head).toContain('\r\nSec-WebSocket-Version: 13\r\n');
  expect(head).toContain('\r\nConnection: close');
  expect(head).toContain(`\r\nContent-Length: ${body.length}\r\n`);
  expect(JSON.parse(body)).toMatchObject({ error: 'unsupported_version', status: 426 });
});

test.each([
  ['too_many_connections', 503, 'Retry-After: \\d+'],
  ['draining', 503, 'Retry-After: [1-5]'],
  ['method_not_allowed', 405, 'Allow: GET'],
] as const)('%s carries what its status asks for', (outcome, status, header) => {
  const text = String(refusalBytes(refuseHandshake(outcome, { route: null, limit: null }), undefined));
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(text).toMatch(new RegExp(`\r\n${header}\r\n`));
});

test('clients that are refused in one instant are told to come back at different times', () => {
  const draining = refuseHandshake('draining', { route: null, limit: null });
  const told = [0, 0.2, 0.999].map((chance) => {
    const { headers } = renderRefusal(draining, undefined, chance);
    return headers.find(([name]) => name === 'Retry-After')?.[1];
  });
  expect(told).toEqual(['1', '2', '5']);
});

const refused = { outcome: 'origin_refused', detail: 'for the log alone' } as const;

test('a step may say more in an answer, or something else in the place of what Sluice says', () => {
  const fields = [
    ['WWW-Authenticate', 'Basic realm="a"'],
    ['cache-control', 'private'],
    ['Bad', 'two\r\nlines'],
    ['Bad Name', 'x'],
    ['Content-Length', '1'],
    ['Connection', 'x-y'],
  ] as const;
  const { headers, body } = renderRefusal(refusalOf('app', { ...refused, fields }), undefined);
  expect(headers).toEqual([
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['X-Content-Type-Options', 'nosniff'],
    ['WWW-Authenticate', 'Basic realm="a"'],
    ['cache-control', 'private'],
  ]);
  expect(String(body)).not.toContain('for the log alone');
});

test.each([
  [302, 'go', [['Content-Length', '2']]],
  [204, '', []],
  [304, '', []],
])('the answer %i of another server is passed on whole, framed anew', (status, said, framing) => {
  const fields = [
    ['Location', '/login'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Transfer-Encoding', 'chunked'],
    ['Date', 'then'],
  ] as const;
  const answer = { status, fields, body: Buffer.from('go') };
  const refusal = refusalOf('app', { ...refused, answer });
  const { headers, body } = renderRefusal(refusal, 'text/html');
  expect([refusal.status, String(body), headers]).toEqual([status, said, [...fields.slice(0, 3), ...framing]]);
});

test.each([
  [undefined, 'text/html'],
  ['*/*', 'text/html'],
  ['application/json', 'application/json'],
  ['text/plain', 'text/plain'],
])('where another program might have had a page, Accept %s gets %s', (accept, type) => {
  const { headers } = renderRefusal(
    asOfApi(refuseHttp('upstream_unreachable', { route: 'servers', limit: null }), {}),
    accept,
  );
  expect(Object.fromEntries(headers)['Content-Type']).toBe(`${type}; charset=utf-8`);
});
