/**
 * Asks services over HTTP: one question, one whole answer, each bounded in bytes and time. Connections are used again,
 * and there are few of them. A question that comes when all are in use waits its turn. If too many wait, it gets no
 * answer.
 */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import type { Asker, Question, ServiceAnswer } from '../admission/auth/asker.ts';
import type { ServiceTarget } from '../config/types.ts';
import { coded, isCoded } from '../http/framing.ts';
import { RawFields } from '../http/head-fields.ts';
import { boundInterim, tooMuchInterim } from '../http/interim.ts';
import { longListFault } from '../http/raw-fields.ts';
import { contain } from '../mistakes.ts';
import type { Connector } from './connect.ts';
import { Pool, type Reuse } from './pool.ts';
import { NoConnection, PooledRequest } from './pooled-request.ts';

/**
 * The most connections to a service. A question takes milliseconds, so these serve hundreds of new users in a second.
 */
const mostConnections = 64;
const maxHeaderBytes = 64 * 1024;
/**
 * The most pieces of an answer. Each is an event and an object, however small, and nobody sends an answer in one-byte
 * chunks.
 */
const mostPieces = 1024;

/** What came of one try. `stale`: the service was just closing the connection. */
type Tried = ServiceAnswer | { readonly problem: string; readonly stale: boolean };

/** Makes an asker of one service. `timeoutMs` bounds each question, with its waiting and connecting. */
export function createAsker({ target, tls }: ServiceTarget, timeoutMs: number, connector: Connector): Asker {
  const { protocol, host, port } = target;
  const pool = new Pool(
    (leftMs, signal) => connector.connect({ target, tls, timeoutMs: leftMs, signal }),
    mostConnections,
  );
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const hostField = port === (protocol === 'http:' ? 80 : 443) ? authority.replace(/:\d+$/, '') : authority;

  return async (question) => {
    const until = AbortSignal.timeout(timeoutMs);
    const ask = (reuse: Reuse) => tryOnce(pool, reuse, { ...question, host: hostField }, timeoutMs, until);
    const isRepeatable = question.body === undefined;
    const first = await ask(isRepeatable ? 'any' : 'none');
    const tried = isRepeatable && 'problem' in first && first.stale ? await ask('none') : first;
    if (!('problem' in tried)) return tried;
    return { problem: until.aborted ? `no answer in ${timeoutMs} ms` : tried.problem };
  };
}

function tryOnce(
  pool: Pool,
  reuse: Reuse,
  { method, path, fields, body, mostBytes, ignoresGoodBody = false, host }: Question & { readonly host: string },
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Tried> {
  const { promise, resolve } = Promise.withResolvers<Tried>();
  const pooled = new PooledRequest(pool, { reuse, timeoutMs, signal });
  const headers = ['Host', host, ...fields.flat()];
  // Whoever is not told may send any coding (RFC 9110 §12.5.3).
  if (!fields.some(([name]) => name.toLowerCase() === 'accept-encoding')) headers.push('Accept-Encoding', 'identity');
  // A service that does not read a body would take it for the next question.
  if (body !== undefined) headers.push('Content-Length', String(body.length), 'Connection', 'close');
  else if (method !== 'GET' && method !== 'HEAD') headers.push('Content-Length', '0');
  let isOver = false;
  const done = (answer: ServiceAnswer) => {
    isOver = true;
    resolve(answer);
  };
  const fail = (problem: string, stale = false) => {
    if (isOver) return;
    isOver = true;
    resolve({ problem, stale });
    request.destroy();
  };
  const request = requestHttp({ agent: pooled.asAgent, method, path, headers, signal, maxHeaderSize: maxHeaderBytes });
  if (body !== undefined) request.shouldKeepAlive = false;
  const contained = (call: () => void) => contain(call, () => fail('a mistake of our own'));
  boundInterim(request, () => fail(tooMuchInterim));
  request.on('response', (response) =>
    contained(() => {
      const status = response.statusCode!;
      if (ignoresGoodBody && status >= 200 && status < 300) skip(response, mostBytes, done, fail);
      else collect(response, mostBytes, done, fail, contained);
    }),
  );
  // Nobody asked for one.
  request.on('upgrade', (_, socket) => {
    socket.destroy();
    fail('the service switched protocols');
  });
  request.on('error', (error) => {
    if (error instanceof NoConnection) fail(error.failure.detail);
    else fail(error.message, pooled.mayHaveBeenClosing);
  });
  request.end(body);
  return promise;
}

/** Takes the head for the answer. A short body is read to its end, so that the connection serves again. */
function skip(
  response: IncomingMessage,
  mostBytes: number,
  done: (answer: ServiceAnswer) => void,
  fail: (problem: string) => void,
): void {
  const fault = faultOf(response);
  if (fault !== null) {
    fail(fault);
    return;
  }
  let [size, pieces] = [0, 0];
  response.on('data', (part: Buffer) => {
    size += part.length;
    if (size > mostBytes || ++pieces > mostPieces) response.destroy();
  });
  response.on('error', () => {});
  done({ status: response.statusCode!, fields: response.rawHeaders, body: Buffer.alloc(0) });
}

function faultOf(response: IncomingMessage): string | null {
  return longListFault(new RawFields(response.rawHeaders)) ?? (isCoded(response.headers) ? coded : null);
}

function collect(
  response: IncomingMessage,
  mostBytes: number,
  done: (answer: ServiceAnswer) => void,
  fail: (problem: string) => void,
  contained: (call: () => void) => void,
): void {
  const fault = faultOf(response);
  if (fault !== null) {
    fail(fault);
    return;
  }
  const parts: Buffer[] = [];
  let size = 0;
  response.on('data', (part: Buffer) =>
    contained(() => {
      size += part.length;
      if (size > mostBytes) fail(`the answer is longer than ${mostBytes} bytes`);
      else if (parts.length === mostPieces) fail(`the answer comes in more than ${mostPieces} pieces`);
      else parts.push(part);
    }),
  );
  response.on('end', () =>
    contained(() => done({ status: response.statusCode!, fields: response.rawHeaders, body: Buffer.concat(parts) })),
  );
  response.on('error', (error) => fail(error.message));
  response.on('close', () => fail('the service broke off its answer'));
}
