/** How the careful lane sends a refusal. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendRefusal } from './answer.ts';
import type { ErrorPages } from './error-pages.ts';
import { type Refusal, refusalBytes } from './errors.ts';
import { sayFarewell } from './farewell.ts';

/**
 * How long the body of a refused request is read and thrown away, in milliseconds: as long as `timeouts.close` lasts
 * unless a route sets it.
 */
const lingerMs = 10_000;

/** Refuses a request whose socket is ours: the connection ends with it. */
export function refuseOnSocket(socket: Socket, accept: string | undefined, refusal: Refusal): void {
  if (refusal.status === 0) socket.destroy();
  else sayFarewell(socket, refusalBytes(refusal, accept));
}

/**
 * Refuses a plain HTTP request. `closes`: its connection ends with it, because what follows cannot be trusted to be a
 * request.
 */
export function refuseOnResponse(
  res: ServerResponse,
  refusal: Refusal,
  closes: boolean,
  pages: ErrorPages | null = null,
): void {
  const { req } = res;
  const { accept, expect } = req.headers;
  if (closes) res.setHeader('Connection', 'close');
  const waitsForContinue = expect?.toLowerCase() === '100-continue';
  sendRefusal(req, res, refusal, accept, { waitsForContinue, lingerMs, pages });
}
