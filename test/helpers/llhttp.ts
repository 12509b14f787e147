/** What Node's own HTTP parser (llhttp, strict) makes of bytes: the oracle of what is well formed. */
import { createRequire } from 'node:module';

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer, start: number, length: number): number | (Error & { code: string });
  [callback: number]: (...args: never[]) => unknown;
}

interface ParserClass {
  new (): Parser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

const common = createRequire(import.meta.url)('_http_common') as {
  readonly HTTPParser: ParserClass;
  readonly methods: readonly string[];
};
const { HTTPParser } = common;

/** One message as llhttp reads it. */
export interface Message {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly headers: readonly string[];
  readonly keepAlive: boolean;
  body: string;
  complete: boolean;
}

/** The messages that llhttp reads, and the code of its error, if there is one. */
export interface Reading {
  readonly messages: readonly Message[];
  readonly error: string | null;
}

/** Reads requests, or the answers to requests that were no HEAD. */
export function llhttp(kind: 'request' | 'response', bytes: Buffer): Reading {
  const parser = new HTTPParser();
  parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 1 << 20, 0);
  const messages: Message[] = [];
  let headers: string[] = [];
  let url = '';
  parser[HTTPParser.kOnHeaders] = (more: string[], part: string) => {
    headers.push(...more);
    url += part;
  };
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    _minor: number,
    last: string[] | undefined,
    method: number | undefined,
    lastUrl: string | undefined,
    status: number | undefined,
    reason: string | undefined,
    _upgrade: boolean,
    keepAlive: boolean,
  ) => {
    messages.push({
      method: method === undefined ? undefined : common.methods[method],
      url: lastUrl ?? url,
      status,
      reason,
      headers: last ?? headers,
      keepAlive,
      body: '',
      complete: false,
    });
    headers = [];
    url = '';
    return 0;
  };
  parser[HTTPParser.kOnBody] = (part: Buffer) => {
    messages.at(-1)!.body += part.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages.at(-1)!.complete = true;
    headers = [];
  };
  const result = parser.execute(bytes, 0, bytes.length);
  return { messages, error: typeof result === 'number' ? null : result.code };
}
