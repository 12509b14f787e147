/** Where the body of a message ends (RFC 9112 §6.3). */
import type { Head } from './head.ts';

/** How a body ends: there is none, after so many bytes, with its last chunk, or where the connection ends. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** The framing of a request. */
export function requestFraming({ chunked, contentLength }: Head): Framing {
  if (chunked) return 'chunked';
  return contentLength > 0 ? 'length' : 'none';
}

/** The framing of the answer to a request of that method. */
export function responseFraming({ status, chunked, contentLength }: Head, method: string): Framing {
  if (method === 'HEAD' || hasNoBody(status)) return 'none';
  if (chunked) return 'chunked';
  if (contentLength < 0) return 'close';
  return contentLength > 0 ? 'length' : 'none';
}

/** Whether answers of a status never have a body. */
export function hasNoBody(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
