import { expect, test } from 'vitest';
import type { ErrorPage, ErrorPages } from '../../../../src/front/error-pages.ts';
import { asOfApi, refuseHttp } from '../../../../src/front/errors.ts';
import { healthAnswer, refusalAnswer } from '../../../../src/front/fast/own-answer.ts';
import { nothingAsked } from '../../../../src/front/fast/request-head.ts';

const get = { ...nothingAsked, method: 'GET', target: '/user/ann?a=1' };
const head = { ...get, method: 'HEAD' };
const failed = refuseHttp('upstream_unreachable', { route: 'r', limit: null });
const withPage = asOfApi(failed, {});
const body = (bytes: Buffer) => bytes.toString('latin1').split('\r\n\r\n')[1];

/** Pages of another program, and what was asked of it. */
function pages(page: ErrorPage | null) {
  const asked: unknown[] = [];
  const one = async (status: number, target: string) => {
    asked.push([status, target]);
    return page;
  };
  return { asked, pages: { page: one } as unknown as ErrorPages };
}

test('an answer of ours is there at once where nobody has a page for it', () => {
  const { asked, pages: all } = pages(null);
  const accept = 'application/json';
  const json = refusalAnswer(failed, { ...get, accept }, false, all) as Buffer;
  expect(JSON.parse(body(json)!)).toMatchObject({ error: 'upstream_unreachable', status: 502 });
  expect(String(json)).not.toContain('Connection: close');
  expect(String(refusalAnswer(withPage, get, true, null))).toContain('\r\nConnection: close\r\n');
  expect(body(refusalAnswer(failed, head, true, all) as Buffer)).toBe('');
  expect(asked).toEqual([]);
});

test('another program’s page takes its place, and ours goes where that has none', async () => {
  const { asked, pages: all } = pages({ type: 'text/html', encoding: null, body: Buffer.from('<p>') });
  expect(body(await refusalAnswer(withPage, get, false, all))).toBe('<p>');
  expect(body(await refusalAnswer(withPage, head, false, all))).toBe('');
  expect(asked).toEqual([
    [503, get.target],
    [503, get.target],
  ]);
  expect(String(await refusalAnswer(withPage, get, false, pages(null).pages))).toMatch(/^HTTP\/1\.1 503 /);
});

test('that Sluice lives is said without a body to HEAD, and ends the connection where it must', () => {
  expect(String(healthAnswer(get, false))).toBe(
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"OK"}',
  );
  expect(String(healthAnswer(head, true))).toMatch(/\r\nConnection: close\r\n\r\n$/);
});
