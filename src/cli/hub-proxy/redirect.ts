/** Sends whoever comes by plain HTTP to the same place by HTTPS: `--redirect-port`. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hostOf } from '../../http/host.ts';

/** A browser's first request; what is more is not read. */
const limits = { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 1000 };
const mostConnections = 1000;

/** Listens; rejects with the system's error where it cannot. */
export async function redirectFrom(host: string, port: number, to: number): Promise<Server> {
  const server = createServer(limits, (req, res) => {
    const name = hostOf(req.headers.host ?? '');
    const target = req.url ?? '';
    res.setHeader('Connection', 'close');
    if (name === null || !target.startsWith('/') || /[^!-~]/.test(target)) {
      res
        .writeHead(400, { 'Content-Type': 'text/plain' })
        .end(`this port sends to HTTPS, on port ${to}, and the request names no host\n`);
      return;
    }
    res.writeHead(301, { Location: `https://${name}${to === 443 ? '' : `:${to}`}${target}` }).end();
  });
  server.maxConnections = mostConnections;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}
