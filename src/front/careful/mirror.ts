/** Relays an upstream's refusal whole: status, every end-to-end header, the body as it comes. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Changes } from '../../http/changes.ts';
import { refusalHead } from '../../websocket/answer.ts';
import { passBody } from './body.ts';

/**
 * Sends a refusal to the client and half-closes its connection. Resolves with `false` where either side left early or
 * `signal` was aborted: then the client's socket is destroyed, and what it got does not look complete.
 */
export function mirrorRefusal(
  response: IncomingMessage,
  client: Socket,
  changes: Changes | null,
  signal: AbortSignal,
): Promise<boolean> {
  const { head, framing } = refusalHead({
    status: response.statusCode!,
    reason: response.statusMessage!,
    headers: changes?.all(response.rawHeaders) ?? response.rawHeaders,
  });
  client.write(head);
  if (framing === 'none') {
    client.end();
    return Promise.resolve(true);
  }
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const fail = () => {
    client.destroy();
    response.destroy();
    resolve(false);
  };
  signal.addEventListener('abort', fail);
  if (signal.aborted) fail();
  client
    .once('error', fail)
    .once('close', fail)
    .once('finish', () => resolve(true));
  response
    .once('error', fail)
    .once('close', () => {
      if (!response.readableEnded) fail();
    })
    .once('end', () => client.end(framing === 'length' ? '' : '0\r\n\r\n'));
  passBody(
    response,
    (chunk, written) => {
      if (framing === 'length') return client.write(chunk, written);
      // The chunked coding (RFC 9112 §7.1).
      client.cork();
      client.write(`${chunk.length.toString(16)}\r\n`);
      client.write(chunk, written);
      const hasRoom = client.write('\r\n');
      client.uncork();
      return hasRoom;
    },
    client,
  );
  return promise.finally(() => {
    signal.removeEventListener('abort', fail);
    client.off('close', fail);
  });
}
