/** What the admin port answers: text for probes and scrapers, JSON for everything else, errors with their remedy. */
import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';

/** A whole answer. */
export interface Answer {
  readonly status: number;
  /** `null` where there is no body. */
  readonly type: string | null;
  /** In pieces where it is large. */
  readonly body: string | readonly Buffer[];
  readonly headers?: OutgoingHttpHeaders;
}

/** The `error` of a refusal: what is wrong and what to do about it. */
export interface ProblemAnswer {
  readonly code: string;
  readonly what: string;
  readonly remedy: string;
}

const textType = 'text/plain; charset=utf-8';
export const jsonType = 'application/json; charset=utf-8';

/**
 * The headers of every answer. Nothing here may be framed, cached, guessed or read by another site. A page loosens the
 * policy for itself, at most to `pagePolicy`.
 */
export const strictHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The policy of a page: its own scripts, styles, images and requests, and nothing inline. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** A status that says all. */
export function empty(status: number): Answer {
  return { status, type: null, body: '' };
}

/** Text for probes and programs. */
export function text(status: number, body: string, type = textType): Answer {
  return { status, type, body };
}

/** A value as JSON, indented: people read it with curl. */
export function json(status: number, value: unknown, headers?: OutgoingHttpHeaders): Answer {
  return { status, type: jsonType, body: `${JSON.stringify(value, null, 2)}\n`, ...(headers && { headers }) };
}

/** A refusal. */
export function problem(status: number, error: ProblemAnswer, headers?: OutgoingHttpHeaders): Answer {
  return json(status, { error }, headers);
}

/** How long its body is. */
export function bytesOf({ body }: Answer): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.reduce((sum, { length }) => sum + length, 0);
}

/** Sends an answer, with what every answer says. */
export function send(res: ServerResponse, answer: Answer, closes = false, everyAnswer = strictHeaders): void {
  const { status, type, body, headers } = answer;
  const fields: OutgoingHttpHeaders = { ...everyAnswer };
  if (type !== null) fields['Content-Type'] = type;
  // RFC 9110 §8.6: 204 has none.
  if (status !== 204) fields['Content-Length'] = bytesOf(answer);
  if (closes) fields.Connection = 'close';
  res.writeHead(status, headers === undefined ? fields : Object.assign(fields, headers));
  if (typeof body !== 'string') for (const piece of body) res.write(piece);
  res.end(typeof body === 'string' ? body : undefined);
}

const strictLines = Object.entries(strictHeaders)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

/** An answer whose body is text, as Node's server would write it; `keepAliveMs`: what clients are promised. */
export function writtenAnswer(
  { status, type, body }: Answer,
  closes: boolean,
  keepAliveMs: number,
  now: number,
): string {
  const typeLine = type === null ? '' : `Content-Type: ${type}\r\n`;
  const lengthLine = status === 204 ? '' : `Content-Length: ${Buffer.byteLength(body as string)}\r\n`;
  const connection = closes ? 'close' : `keep-alive\r\nKeep-Alive: timeout=${keepAliveMs / 1000}`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${strictLines}${typeLine}${lengthLine}`;
  return `${head}Date: ${dateAt(now)}\r\nConnection: ${connection}\r\n\r\n${body}`;
}

let dated = { second: 0, text: '' };

/** Made once in a second. */
function dateAt(now: number): string {
  const second = Math.floor(now / 1000);
  if (second !== dated.second) dated = { second, text: new Date(now).toUTCString() };
  return dated.text;
}
