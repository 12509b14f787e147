/**
 * Gradio tells in an event stream how far an upload has come, as gradio-app/gradio#13366 is about. Behind a proxy that
 * keeps uploads back until they are whole it tells nothing, and then all at once.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpReader } from '../../helpers/http-reader.ts';
import { Peer } from '../../helpers/peer.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import type { RunningApp } from '../harness/page-suite.ts';
import { startGradio } from './gradio-server.ts';

let server: RunningApp;
let sluice: Sluice;

beforeAll(async () => {
  server = await startGradio();
  sluice = await Sluice.start({
    routes: [{ name: 'gradio', upstream: `http://127.0.0.1:${server.port}`, preset: 'gradio' }],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await server?.[Symbol.asyncDispose]();
});

const half = 'x'.repeat(2_000_000);
const begin = `--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n${half}`;
const end = `${half}\r\n--b--\r\n`;

/** An empty line before a request brings its connection into the careful lane. */
test.each([
  ['directly', 'direct', ''],
  ['through the fast lane', 'relayed', ''],
  ['through the careful lane', 'relayed', '\r\n'],
] as const)('%s, an upload is told of before it is whole', async (_, way, preface) => {
  const port = way === 'direct' ? server.port : sluice.port;
  const id = randomUUID();
  await using upload = await opened(port);
  const { socket } = upload;
  const answer = new HttpReader(socket).message('response');
  const length = `Content-Length: ${begin.length + end.length}`;
  const head = `POST /gradio_api/upload?upload_id=${id} HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n${length}`;
  socket.write(`${preface}${head}\r\n\r\n${begin}`);
  const events = await told(port, preface, id);
  expect(await events.next()).toMatchObject({ msg: 'update', orig_name: 'a.bin' });
  socket.write(end);
  expect((await answer).startLine).toBe('HTTP/1.1 200 OK');
  let last = await events.next();
  while (last.msg !== 'done') last = await events.next();
  events.close();
});

async function opened(port: number) {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return { socket, [Symbol.asyncDispose]: async () => void socket.destroy() };
}

/** The events of an upload. Of one that it does not know yet Gradio says 404, after some seconds. */
async function told(port: number, preface: string, id: string) {
  for (;;) {
    const peer = new Peer((await opened(port)).socket);
    peer.sendText(`${preface}GET /gradio_api/upload_progress?upload_id=${id} HTTP/1.1\r\nHost: h\r\n\r\n`);
    const head = await peer.head();
    if (head.startsWith('HTTP/1.1 200')) return { next: () => nextEvent(peer), close: () => peer.socket.destroy() };
    peer.socket.destroy();
    expect(head).toMatch(/^HTTP\/1\.1 404/);
  }
}

async function nextEvent(peer: Peer): Promise<{ msg: string }> {
  let text = '';
  while (!text.endsWith('\n\n')) text += (await peer.bytes(1)).toString('latin1');
  const event = JSON.parse(text.slice(text.indexOf('data: ') + 6)) as { msg: string };
  return event.msg === 'heartbeat' ? nextEvent(peer) : event;
}
