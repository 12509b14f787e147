/** A client of bare TCP that sends a request as it is given, body and all, and reads whatever comes meanwhile. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { HttpReader, type ReadMessage } from '../../helpers/http-reader.ts';
import type { Way } from './servers.ts';

export interface Question {
  readonly method: string;
  readonly target: string;
  /** Header lines behind `Host`. */
  readonly lines?: readonly string[];
  /** So many bytes of a body, with their `Content-Length`. */
  readonly bodyBytes?: number;
  /** They go in chunks instead. */
  readonly chunked?: boolean;
  /** The body waits until the server says 100. */
  readonly waits?: boolean;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  /** The header block's fields, in order. */
  readonly fields: ReadMessage['fields'];
  readonly body: string;
  /** Those before it, such as 100 and 103. */
  readonly interim: readonly ReadMessage[];
  /** How much of the body had been given to the kernel by then. */
  readonly sentBytes: number;
}

const piece = Buffer.alloc(256 * 1024, 'x');

/** Asks once, on a connection of its own. Throws where no whole answer came. */
export async function ask(way: Way, question: Question): Promise<Answer> {
  const socket = connect({ port: way.port, host: '127.0.0.1', noDelay: true });
  try {
    await once(socket, 'connect');
    return await askOn(socket, new HttpReader(socket), way, question);
  } finally {
    socket.destroy();
  }
}

/** Asks on a connection that is there. */
export async function askOn(socket: Socket, reader: HttpReader, way: Way, question: Question): Promise<Answer> {
  socket.write(headOf(way, question), 'latin1');
  const { bodyBytes = 0, chunked = false, waits = false } = question;
  const body = new Body(socket, bodyBytes, chunked);
  if (!waits) body.send();
  const interim: ReadMessage[] = [];
  for (;;) {
    const message = await reader.message('response', question.method === 'HEAD');
    const status = Number(message.startLine.split(' ')[1]);
    if (status >= 200) {
      const { sentBytes } = body;
      body.stop();
      return { status, fields: message.fields, body: message.body, interim, sentBytes };
    }
    interim.push(message);
    if (status === 100 && waits) body.send();
  }
}

/** The request's head as bytes. */
export function headOf(way: Way, { method, target, lines = [], bodyBytes, chunked = false }: Question): string {
  const all = [`${method} ${target} HTTP/1.1`, `Host: ${way.host}`, ...lines];
  if (chunked) all.push('Transfer-Encoding: chunked');
  else if (bodyBytes !== undefined) all.push(`Content-Length: ${bodyBytes}`);
  return `${way.preface ?? ''}${all.join('\r\n')}\r\n\r\n`;
}

/** A body on its way, as fast as the socket takes it, until it is whole or nobody wants it. */
class Body {
  sentBytes = 0;
  readonly #socket: Socket;
  readonly #bytes: number;
  readonly #chunked: boolean;
  #stopped = false;

  constructor(socket: Socket, bytes: number, chunked: boolean) {
    this.#socket = socket;
    this.#bytes = bytes;
    this.#chunked = chunked;
  }

  send(): void {
    while (!this.#stopped && this.sentBytes < this.#bytes) {
      const next = piece.subarray(0, this.#bytes - this.sentBytes);
      this.sentBytes += next.length;
      if (!this.#write(next)) {
        this.#socket.once('drain', () => this.send());
        return;
      }
    }
    if (this.#chunked && !this.#stopped) this.#socket.write('0\r\n\r\n');
  }

  #write(next: Buffer): boolean {
    const socket = this.#socket;
    if (!this.#chunked) return socket.write(next);
    socket.cork();
    socket.write(`${next.length.toString(16)}\r\n`);
    socket.write(next);
    const goesOn = socket.write('\r\n');
    socket.uncork();
    return goesOn;
  }

  stop(): void {
    this.#stopped = true;
  }
}
