/**
 * Sends whoever comes by plain HTTP to the same place by HTTPS: `--redirect-port`. Everybody who reaches the public
 * port reaches this one, so it is bounded as those of operators are: one request of a connection at a time, few
 * connections, and a newcomer takes the place of the address that has most.
 */
import type { IncomingMessage } from 'node:http';
import { type Answer, text } from '../../admin/answer.ts';
import { AdminListener, type AdminListenerParts } from '../../admin/listener.ts';
import { hostOf } from '../../http/host.ts';
import { parseTarget } from '../../http/target.ts';

/** A browser's first request; one that is longer gets 431. */
const maxHeaderSize = 16 * 1024;
/** Nobody asks twice. */
const headers = { Connection: 'close' };

/** Where clients are sent to. */
export interface SecurePlace {
  readonly port: number;
  /** Whether it stands in the URL, which says 443 of its own accord. */
  readonly isNamed: boolean;
}

export class Redirects extends AdminListener {
  readonly #to: SecurePlace;

  constructor(to: SecurePlace, parts: Pick<AdminListenerParts, 'log' | 'hasRoom'>) {
    // What other sites may do with the answer is for the place itself to say.
    super({ ...parts, tls: null, maxHeaderSize, methods: 'GET, HEAD', takesBodies: false, everyAnswer: {} });
    this.#to = to;
  }

  protected override async answer(req: IncomingMessage): Promise<Answer> {
    const { port, isNamed } = this.#to;
    const { host: named = '' } = req.headers;
    const name = hostOf(named);
    const place = placeOf(req, named);
    if (name === null || place === null) {
      const words = `this port sends to HTTPS, on port ${port}, and the request names no host\n`;
      return { ...text(400, words), headers };
    }
    const location = `https://${name}${isNamed ? `:${port}` : ''}${place}`;
    return { status: 301, type: null, body: '', headers: { ...headers, Location: location } };
  }
}

/** Path and query, as a URL may have them; `null` where the request names none, or another host's. */
function placeOf({ url = '', method = '' }: IncomingMessage, host: string): string | null {
  const place = parseTarget(url, host, method)?.target ?? '';
  // `OPTIONS *` asks for no place.
  return place.startsWith('/') && !/[^!-~]/.test(place) ? place : null;
}
