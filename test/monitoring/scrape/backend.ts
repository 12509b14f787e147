/** A small backend: it echoes, floods on request, and answers plain HTTP. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

const floodMessages = 256;
const floodPiece = Buffer.alloc(256 * 1024);

export interface Backend extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts it on a free port. `flood` is answered with 64 MiB, `grow` with one message of 2 MiB, `crash` with a reset.
 */
export async function startBackend(): Promise<Backend> {
  const server = createServer((req, res) => {
    req.resume().once('end', () => res.end('ok'));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => answer(socket, data as Buffer, isBinary));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

function answer(socket: WebSocket, data: Buffer, isBinary: boolean): void {
  switch (isBinary ? '' : String(data)) {
    case 'flood':
      for (let i = 0; i < floodMessages; i++) socket.send(floodPiece);
      break;
    case 'grow':
      socket.send(Buffer.alloc(2 * 1024 * 1024));
      break;
    case 'crash':
      socket.terminate();
      break;
    default:
      socket.send(data, { binary: isBinary });
  }
}
