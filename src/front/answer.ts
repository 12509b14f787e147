/** Sends an answer of our own to a plain HTTP request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Refusal, renderRefusal } from './errors.ts';

/** How a client that has not sent its whole body yet is treated. */
export interface Patience {
  /** The client waits for a 100 that it will not get: there is nothing to read on for. */
  readonly waitsForContinue: boolean;
  /** How long to read on, in ms. */
  readonly lingerMs: number;
}

/**
 * Answers with a refusal. A client that is still sending its body is read on for a while and discarded: closing at once
 * would make the kernel send RST, and the client would see that instead of the answer.
 */
export function sendRefusal(
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  accept: string | undefined,
  { waitsForContinue, lingerMs }: Patience,
): void {
  const { headers, body } = renderRefusal(refusal, accept);
  const unread = !req.complete && carriesBody(req);
  res.writeHead(refusal.status, [...headers.flat(), ...(unread ? ['Connection', 'close'] : [])]);
  if (!unread || waitsForContinue || req.method === 'HEAD') {
    res.end(body);
    return;
  }
  res.write(body);
  const end = () => res.end();
  const timer = setTimeout(end, lingerMs);
  res.once('close', () => clearTimeout(timer));
  req.once('end', end);
  req.resume();
}

/** Whether a request announces a body that is not empty. */
export function carriesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
