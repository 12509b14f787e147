/** http-proxy (its maintained fork) as most programs use it: `plain-proxy.ts PORT BACKEND_PORT`. */
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy'; // the package httpxy

const [port, backend] = process.argv.slice(2).map(Number);
const proxy = createProxyServer({ target: `http://127.0.0.1:${backend}`, ws: true });
const server = createServer((request, response) => proxy.web(request, response));
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket as Socket, {}, head));
server.listen(port, '127.0.0.1');
