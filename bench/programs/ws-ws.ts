/** The obvious gateway: `ws` on both sides, each message handed over whole. `ws-ws.ts PORT BACKEND_PORT`. */
import WebSocket, { WebSocketServer } from 'ws';

const [port, backend] = process.argv.slice(2).map(Number);
const options = { perMessageDeflate: false, maxPayload: 256 * 1024 * 1024 };
const server = new WebSocketServer({ host: '127.0.0.1', port, backlog: 4096, ...options });

server.on('connection', (client, request) => {
  const upstream = new WebSocket(`ws://127.0.0.1:${backend}${request.url}`, options);
  const early: [WebSocket.RawData, boolean][] = [];
  client.on('message', (data, binary) => {
    if (upstream.readyState === WebSocket.OPEN) upstream.send(data, { binary });
    else early.push([data, binary]);
  });
  upstream.on('open', () => {
    for (const [data, binary] of early) upstream.send(data, { binary });
  });
  upstream.on('message', (data, binary) => client.send(data, { binary }));
  client.on('error', () => upstream.terminate());
  upstream.on('error', () => client.terminate());
  client.on('close', () => upstream.close());
  upstream.on('close', () => client.close());
});
