/** Sends whoever comes by plain HTTP to the same place by HTTPS: `--redirect-port`. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hostOf } from '../../http/host.ts';

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
    const name = hostOf(req.headers.host ?? '');
    const target = req.url ?? '';
    res.setHeader('Connection', 'close');
    if (name === null || !target.startsWith('/') || /[^!-~]/.test(target)) {
      res
        .writeHead(400, { 'Content-Type': 'text/plain' })
        .end(`this port sends to HTTPS, on port ${to.port}, and the request names no host\n`);
      return;
    }
    res.writeHead(301, { Location: `https://${name}${suffix}${target}` }).end();
  });
  server.maxConnections = mostConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
