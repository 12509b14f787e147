/** Bounds the informational answers that Node's client reads before an answer: see http/interim.ts. */
import type { ClientRequest } from 'node:http';
import { mostInterimBytes } from '../../http/interim.ts';
import { headerBytes } from '../../http/raw-fields.ts';

/** `HTTP/1.1 103 `. */
const beforeReason = 13;

/** Calls `tooMuch` when more have come than may. */
export function boundInterim(request: ClientRequest, tooMuch: () => void): void {
  let bytes = 0;
  request.on('information', ({ statusMessage, rawHeaders }) => {
    bytes += headerBytes(beforeReason + statusMessage.length, rawHeaders);
    if (bytes > mostInterimBytes) tooMuch();
  });
}
