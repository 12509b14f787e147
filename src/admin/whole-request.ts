/**
 * Requests that come whole, in one piece, as nearly all of a hub's do. They are read where they stand, with the parser
 * of the public port: Node's server, its streams and its promises cost a route ten times as much as setting it
 * (measured). Whatever is odd about one is left to Node's server.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ConnectionOptions } from '../http/wire/connection.ts';
import { HeadParser, HeadProgress } from '../http/wire/head-parser.ts';
import type { Method } from '../http/wire/start-line.ts';
import type { AskingRequest } from './visit.ts';

/** A request and its body. */
export interface WholeRequest extends AskingRequest {
  readonly method: Method;
  readonly url: string;
  readonly body: string;
  /** Whether the client wants the connection closed behind the answer. */
  readonly closes: boolean;
}

/** What anybody here asks a head for. */
const read: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'origin',
  'sec-fetch-mode',
  'sec-fetch-site',
] satisfies (keyof IncomingHttpHeaders)[]);

export class WholeRequests {
  readonly #parser = new HeadParser('request');
  readonly #maxHeadBytes: number;
  readonly #maxBodyBytes: number;

  constructor(maxHeadBytes: number, maxBodyBytes: number) {
    this.#maxHeadBytes = maxHeadBytes;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** Reads the one request that a chunk is; `null` where it is less, more, or odd. */
  read(chunk: Buffer, socket: WholeRequest['socket']): WholeRequest | null {
    const parser = this.#parser;
    try {
      if (parser.feed(chunk, 0, chunk.length) !== HeadProgress.head) return null;
      const { contentLength, chunked, connection, end, expectLine, upgrades } = parser;
      const length = Math.max(contentLength, 0);
      if (chunked || upgrades || expectLine >= 0 || end > this.#maxHeadBytes) return null;
      if (length > this.#maxBodyBytes || end + length !== chunk.length) return null;
      if ((connection & ~(ConnectionOptions.close | ConnectionOptions.keepAlive)) !== 0) return null;
      const headers = fieldsOf(parser);
      if (headers === null) return null;
      return {
        method: parser.method,
        url: chunk.toString('latin1', parser.targetStart, parser.targetEnd),
        headers,
        socket,
        body: chunk.toString('utf8', end),
        closes: (connection & ConnectionOptions.close) !== 0,
      };
    } finally {
      parser.reset();
    }
  }
}

/** The fields that are asked for; `null` where one comes twice: Node's server says what that means. */
function fieldsOf(parser: HeadParser): IncomingHttpHeaders | null {
  const fields: Record<string, string> = {};
  for (let i = 0; i < parser.lines; i++) {
    const name = parser.name(i).toLowerCase();
    if (!read.has(name)) continue;
    if (fields[name] !== undefined) return null;
    fields[name] = parser.value(i);
  }
  return fields;
}
