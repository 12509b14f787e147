/** Sends whoever comes by plain HTTP to the same place by HTTPS: `--redirect-port`. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { hostOf } from '../../http/host.ts';
import { parseTarget } from '../../http/target.ts';

/** A browser's first request; what is more is not read. */
const limits = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 1000 };
const mostConnections = 1000;

/** Where clients are sent to. */
export interface SecurePlace {
  readonly port: number;
  /** Whether it stands in the URL, which says 443 of its own accord. */
  readonly isNamed: boolean;
}

/** Listens; rejects with the system's error where it cannot. */
export async function redirectFrom(host: string, port: number, to: SecurePlace): Promise<Server> {
  const suffix = to.isNamed ? `:${to.port}` : '';
  const server = createServer(limits, (req, res) => {
    const { host: named = '' } = req.headers;
    const name = hostOf(named);
    const place = placeOf(req, named);
    res.setHeader('Connection', 'close');
    if (name === null || place === null) {
      res
        .writeHead(400, { 'Content-Type': 'text/plain' })
        .end(`this port sends to HTTPS, on port ${to.port}, and the request names no host\n`);
      return;
    }
    res.writeHead(301, { Location: `https://${name}${suffix}${place}` }).end();
  });
  server.maxConnections = mostConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

/** Path and query, as a URL may have them; `null` where the request names none, or another host's. */
function placeOf({ url = '', method = '' }: IncomingMessage, host: string): string | null {
  const place = parseTarget(url, host, method)?.target ?? '';
  // `OPTIONS *` asks for no place.
  return place.startsWith('/') && !/[^!-~]/.test(place) ? place : null;
}
