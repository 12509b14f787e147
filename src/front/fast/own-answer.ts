/** Answers of Sluice's own in the fast lane, as bytes. */
import type { ErrorPages } from '../error-pages.ts';
import { pageBytes, type Refusal, refusalBytes } from '../errors.ts';
import { healthBody } from '../health.ts';
import type { Asked } from './request-head.ts';

/** A refusal; a promise where another program is asked for a page in its place. `closes`: its connection ends with it. */
export function refusalAnswer(
  refusal: Refusal,
  { method, target, accept }: Asked,
  closes: boolean,
  pages: ErrorPages | null,
): Buffer | Promise<Buffer> {
  const framing = { closes, bodiless: method === 'HEAD' };
  if (refusal.page === undefined || pages === null) return refusalBytes(refusal, accept, framing);
  return pages
    .page(refusal.page, target)
    .then((page) => (page === null ? refusalBytes(refusal, accept, framing) : pageBytes(refusal, page, framing)));
}

/** Says that Sluice lives. */
export function healthAnswer({ method }: Asked, closes: boolean): Buffer {
  const lines = ['HTTP/1.1 200 OK', 'Content-Type: application/json', `Content-Length: ${healthBody.length}`];
  const head = [...lines, ...(closes ? ['Connection: close'] : []), '', ''].join('\r\n');
  return Buffer.from(method === 'HEAD' ? head : head + healthBody);
}
