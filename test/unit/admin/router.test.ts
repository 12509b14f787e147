import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { text } from '../../../src/admin/answer.ts';
import { type AdminEndpoint, Router } from '../../../src/admin/router.ts';

const endpoint = (method: AdminEndpoint['method'], path: string): AdminEndpoint => ({
  method,
  path,
  access: 'open',
  answer: () => text(200, `${method} ${path}`),
});
const router = new Router([
  endpoint('GET', '/things'),
  endpoint('GET', '/things/:id'),
  endpoint('DELETE', '/things/:id'),
  { method: 'GET', path: '/feed', access: 'open', stream: () => {} },
  endpoint('GET', '/things/list.json'),
  // A file of the page, which is not told of.
  endpoint('GET', '/style.css'),
]);
const find = (method: string, url: string) => router.find({ method, url } as IncomingMessage);
const ask = (method: string, url: string) => {
  const found = find(method, url);
  if ('refused' in found) throw new Error(`${found.refused.status}`);
  return found;
};
const refusal = (method: string, url: string) => {
  const found = find(method, url);
  if ('endpoint' in found) throw new Error(`found ${found.endpoint.path}`);
  return { ...found.refused, error: JSON.parse(String(found.refused.body)).error };
};

describe('a router', () => {
  test('finds an endpoint by path and method, and takes the rest of the path and the query apart', () => {
    const { endpoint, ask: found } = ask('DELETE', '/things/7%2f?sort=age&sort=b#x');
    expect([endpoint.method, endpoint.path]).toEqual(['DELETE', '/things/:id']);
    expect(found.params).toEqual({ id: '7%2f' });
    expect(found.query.getAll('sort')).toEqual(['age', 'b#x']);
  });

  test('lets HEAD ask what GET answers, but not what GET streams', () => {
    expect(ask('HEAD', '/things').endpoint.method).toBe('GET');
    expect(refusal('HEAD', '/feed').headers).toEqual({ Allow: 'GET' });
  });

  test.each(['', '*', '/', '/things/', '/things/7/8', '/thing', '//things', '/things/../feed', '/Things', '/%74hings'])(
    'has nothing at %j, and says what there is',
    (url) => {
      const { status, error } = refusal('GET', url);
      expect(status).toBe(404);
      expect(error).toMatchObject({
        code: 'not_found',
        remedy: 'ask for one of /things, /things/:id, /feed, /things/list.json',
      });
    },
  );

  test('names every method of a path that does not take this one', () => {
    const { status, headers, error } = refusal('POST', '/things/7');
    expect(status).toBe(405);
    expect(headers).toEqual({ Allow: 'GET, HEAD, DELETE' });
    expect(error).toMatchObject({ code: 'method_not_allowed', remedy: 'use GET, HEAD, DELETE' });
  });
});
