/** Relays an upstream's refusal whole: status, every end-to-end header, the body as it comes. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Changes } from '../../http/changes.ts';
import { lowMark } from '../../relay/transport/low-marks.ts';
import { refusalHead } from '../../websocket/answer.ts';

/**
 * Sends a refusal to the client and half-closes its connection. Resolves with `false` where either side left early or
 * `signal` was aborted: then the client's socket is destroyed, and what it got does not look complete.
 */
export async function mirrorRefusal(
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
    return true;
  }
  try {
    if (framing === 'length') await pipeline(response, client, { signal });
    else await pipeline(response, chunked(), client, { signal });
    return true;
  } catch {
    return false;
  }
}

/** The chunked coding (RFC 9112 §7.1). */
function chunked(): Transform {
  return new Transform({
    highWaterMark: lowMark,
    transform(chunk: Buffer, _encoding, done) {
      done(null, Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]));
    },
    flush(done) {
      done(null, Buffer.from('0\r\n\r\n'));
    },
  });
}
