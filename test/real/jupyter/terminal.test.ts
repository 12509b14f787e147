/**
 * A terminal, which is what people find dead first behind other proxies (jupyterlab/jupyterlab#7966, #5604): as it is
 * directly, so it is through Sluice.
 */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';

let server: JupyterServer;
let sluice: Sluice;

beforeAll(async () => {
  server = await JupyterServer.lab();
  sluice = await sluiceBefore(server);
});

afterAll(async () => {
  await sluice?.stop();
  await server?.stop();
});

const headers = { Authorization: `token ${token}` };

/** A terminal of one's own, and what it has printed. */
async function openTerminal(base: string) {
  const made = await fetch(`${base}/api/terminals`, { method: 'POST', headers });
  expect(made.status).toBe(200);
  const { name } = (await made.json()) as { name: string };
  const url = `${base.replace('http', 'ws')}/terminals/websocket/${name}`;
  const socket = new WebSocket(url, { headers: { ...headers, Origin: base } });
  let printed = '';
  socket.on('message', (data) => {
    const [kind, text] = JSON.parse(String(data)) as [string, string];
    if (kind === 'stdout') printed += text;
  });
  await once(socket, 'open');
  return {
    socket,
    name,
    type: (text: string) => socket.send(JSON.stringify(['stdin', text])),
    prints: async (text: string) => {
      while (!printed.includes(text)) await once(socket, 'message');
    },
  };
}

test.each(['directly', 'through Sluice'])('%s, a terminal runs what is typed, prints much, and ends', async (way) => {
  const base = way === 'directly' ? server.url : sluice.url;
  const terminal = await openTerminal(base);
  terminal.socket.send(JSON.stringify(['set_size', 24, 200, 0, 0]));
  terminal.type('echo "$((6 * 7)) is the answer"\r');
  await terminal.prints('42 is the answer');
  terminal.type('seq 1 200000; echo "it $((1 + 0)) over"\r');
  await terminal.prints('199999\r\n200000\r\nit 1 over');
  const closed = once(terminal.socket, 'close');
  const ended = await fetch(`${base}/api/terminals/${terminal.name}`, { method: 'DELETE', headers });
  expect(ended.status).toBe(204);
  // The server says nothing of why, and neither does Sluice.
  expect((await closed)[0]).toBe(1005);
});
