/** Sends an answer of our own to a plain HTTP request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { carriesBody, framingFault } from '../http/framing.ts';
import { tellMistake } from '../mistakes.ts';
import type { ErrorPages } from './error-pages.ts';
import { pageHeaders, type Refusal, renderRefusal } from './errors.ts';
import { discard } from './farewell.ts';

/** How long an answer of ours waits for a client that takes nothing of it, in milliseconds. */
const patienceMs = 10_000;

/** What a response emits when our answer is written to it, and only the client's part is left. */
export const answeredByUs = Symbol('answered by us');

/** How a client that has not sent its whole body yet is treated. */
export interface LingerRules {
  /** The client waits for a 100 that it will not get: there is nothing to read on for. */
  readonly waitsForContinue: boolean;
  /** How long to read on, in ms. */
  readonly lingerMs: number;
  /** Who may have a page for the answer. */
  readonly pages?: ErrorPages | null;
  /** The request target as it came, where the request has another one now. */
  readonly target?: string;
}

/**
 * Answers with a refusal. What a client still sends of its body is read and thrown away for a while. Closing at once
 * would make the kernel send RST, and the client would see that instead of the answer. A mistake in it ends the
 * connection.
 */
export function sendRefusal(
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  accept: string | undefined,
  rules: LingerRules,
): void {
  send(req, res, refusal, accept, rules).catch((error) => {
    tellMistake(error);
    res.destroy();
  });
}

async function send(
  req: IncomingMessage,
  res: ServerResponse,
  refusal: Refusal,
  accept: string | undefined,
  { waitsForContinue, lingerMs, pages = null, target = req.url ?? '' }: LingerRules,
): Promise<void> {
  // With no page to wait for, the answer has been given when this returns.
  const page = pages === null || refusal.page === undefined ? null : await pages.page(refusal.page, target);
  if (res.destroyed || res.headersSent) return;
  const own = page === null ? renderRefusal(refusal, accept) : null;
  const { headers, body } = own ?? { headers: pageHeaders(page!), body: page!.body };
  const unread = !req.complete && carriesBody(req.headers);
  res.writeHead(refusal.status, [...headers.flat(), ...(unread ? ['Connection', 'close'] : [])]);
  // If nobody can be sure where a body ends, nobody can wait for its end.
  const endless = framingFault({ version: req.httpVersion, headers: req.rawHeaders }) !== null;
  if (!unread || waitsForContinue || endless || req.method === 'HEAD') {
    endAnswer(res, body);
    return;
  }
  res.write(body);
  res.emit(answeredByUs);
  const end = () => {
    clearTimeout(timer);
    req.off('end', end);
    endAnswer(res);
  };
  const timer = setTimeout(end, lingerMs);
  res.once('close', () => clearTimeout(timer));
  req.once('end', end);
  discard(req);
}

/** Ends an answer of ours. Whoever takes nothing of it is not waited for without end. */
export function endAnswer(res: ServerResponse, body?: Buffer | string): void {
  res.end(body);
  res.emit(answeredByUs);
  const timer = setTimeout(() => res.destroy(), patienceMs);
  res.once('close', () => clearTimeout(timer));
}
