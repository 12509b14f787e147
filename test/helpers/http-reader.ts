/**
 * Reads HTTP/1.1 messages off a socket, plainly and slowly: what a test believes about bytes, beside the parsers that
 * it tests.
 */
import type { Socket } from 'node:net';

/** A message as it came. */
export interface ReadMessage {
  readonly startLine: string;
  /** Names in lower case, values trimmed, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Without the framing. */
  readonly body: string;
  /** Trailers, as fields. */
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

export class HttpReader {
  #text = '';
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(socket: Socket) {
    const wake = () => {
      for (const resolve of this.#wake.splice(0)) resolve();
    };
    socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1');
      wake();
    });
    const end = () => {
      this.#ended = true;
      wake();
    };
    socket
      .on('error', () => {})
      .on('end', end)
      .on('close', end);
  }

  /** Whether something stands there, or comes, before the end. */
  async begins(): Promise<boolean> {
    while (this.#text === '' && !this.#ended) await this.#more();
    return this.#text !== '';
  }

  /** Takes the next message; `bodiless` where none has a body, such as the answer to HEAD. */
  async message(kind: 'request' | 'response', bodiless = false): Promise<ReadMessage> {
    const [startLine, ...lines] = (await this.#until('\r\n\r\n')).slice(0, -4).split('\r\n') as [string, ...string[]];
    const fields = lines.map(fieldOf);
    const framing = bodiless ? 'none' : framingOf(kind, startLine, fields);
    if (framing === 'chunked') return { startLine, fields, framing, ...(await this.#chunks()) };
    return { startLine, fields, framing, body: await this.#body(framing, fields), trailers: [] };
  }

  async #body(framing: ReadMessage['framing'], fields: ReadMessage['fields']): Promise<string> {
    if (framing === 'none') return '';
    if (framing === 'length') return this.#take(Number(fields.find(([name]) => name === 'content-length')![1]));
    while (!this.#ended) await this.#more();
    return this.#take(this.#text.length);
  }

  async #chunks(): Promise<Pick<ReadMessage, 'body' | 'trailers'>> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await this.#until('\r\n'), 16);
      if (size === 0) break;
      body += await this.#take(size);
      if ((await this.#take(2)) !== '\r\n') throw new Error('no line end behind a chunk');
    }
    const trailers: (readonly [string, string])[] = [];
    for (let line = await this.#until('\r\n'); line !== '\r\n'; line = await this.#until('\r\n')) {
      trailers.push(fieldOf(line.slice(0, -2)));
    }
    return { body, trailers };
  }

  async #until(end: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(end);
      if (at >= 0) return this.#take(at + end.length);
      if (this.#ended) throw new Error(`ended within ${JSON.stringify(this.#text)}`);
      await this.#more();
    }
  }

  async #take(length: number): Promise<string> {
    while (this.#text.length < length) {
      if (this.#ended) throw new Error(`ended at ${this.#text.length} of ${length} bytes`);
      await this.#more();
    }
    const taken = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function framingOf(
  kind: 'request' | 'response',
  startLine: string,
  fields: ReadMessage['fields'],
): ReadMessage['framing'] {
  if (kind === 'response' && /^HTTP\/1\.1 (?:1..|204|304)/.test(startLine)) return 'none';
  if (fields.some(([name]) => name === 'transfer-encoding')) return 'chunked';
  if (fields.some(([name]) => name === 'content-length')) return 'length';
  return kind === 'request' ? 'none' : 'close';
}
