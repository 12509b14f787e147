/** A server like Panel's, for those who come from outside: a page, its WebSocket at `/app/ws`, and nothing else. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';

export interface Panel extends AsyncDisposable {
  readonly url: string;
}

const page = '<!doctype html><title>app</title>';

/** Starts it on a free port. */
export async function startPanel(): Promise<Panel> {
  const server = createServer((req, res) => {
    // What it cannot read it leaves alone, as servers do that fail in the middle.
    if (req.url === '/broken') req.socket.destroy();
    else if (req.url === '/events') res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
    else req.resume().once('end', () => res.writeHead(req.url === '/app' ? 200 : 404).end(page));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req, socket: Socket, head) => {
    socket.on('error', () => {});
    if (req.url === '/app/ws') {
      sockets.handleUpgrade(req, socket, head, (opened) => {
        opened.on('error', () => {});
        opened.on('message', (data, isBinary) => opened.send(data, { binary: isBinary }));
      });
      return;
    }
    // Tornado answers a page to whoever asks for one, whatever else the request says.
    const status = req.url === '/app' ? '200 OK' : '404 Not Found';
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}
