/** The servers of this machine's own environment, each with what makes it flood its client. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { panelServe } from '../bokeh/panel-server.ts';
import { pullDocument } from '../bokeh/pull-document.ts';
import { venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { type FloodingServer, flood, SleepyClient, shellMessage } from '../harness/sleepers.ts';
import { JupyterServer, token } from '../jupyter/jupyter-server.ts';
import { startApp } from './python-app.ts';

const late = (seconds: number): NonNullable<FloodingServer['late']> => ({ path: `/late?seconds=${seconds}`, seconds });

/** Numbered binary messages, from an app of `apps/`. */
function numbered(name: 'tornado' | 'fastapi' | 'websockets', lateSeconds: number): Omit<FloodingServer, 'preset'> {
  const query = new URLSearchParams({ messages: String(flood.pieces), bytes: String(flood.bytes) });
  return {
    async start() {
      const app = await startApp(name);
      return { port: app.ports.default!, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
    },
    ask: (port) => SleepyClient.open(`ws://127.0.0.1:${port}/flood?${query}&name=${randomUUID()}`),
    piecesOf: (data) => (data.length === flood.bytes ? [data.readUInt32BE()] : []),
    late: late(lateSeconds),
  };
}

const payload = Buffer.alloc(flood.pieces * flood.bytes, 'p');

/** A document whose text is the flood, which the page pulls as one message. */
const bokehDocument: Omit<FloodingServer, 'preset' | 'start'> = {
  ask: (port) => pullDocument(`http://127.0.0.1:${port}/document`, `?payload=${payload.length}`),
  piecesOf: (data) => (data.includes(payload) ? [...Array(flood.pieces).keys()] : []),
};

async function bokehServe() {
  const port = await freePort();
  const server = await ServerProcess.start({
    name: 'bokeh',
    command: venvProgram('modern', 'bokeh'),
    args: [
      'serve',
      fileURLToPath(new URL('../bokeh/apps/document.py', import.meta.url)),
      `--port=${port}`,
      '--address=127.0.0.1',
      `--allow-websocket-origin=*`,
    ],
    env: { BOKEH_RESOURCES: 'server' },
    ready: answers(`http://127.0.0.1:${port}/document`),
  });
  return { port, [Symbol.asyncDispose]: () => server.stop() };
}

const quietly = { silent: false, store_history: false, user_expressions: {}, allow_stdin: false };

const jupyter: Omit<FloodingServer, 'preset'> = {
  start: () => JupyterServer.lab({ unlimitedOutput: true }),
  // It looks every 30 s whether the last pong is more than 90 s old.
  surelyMs: 60_000,
  async ask(port) {
    const made = await fetch(`http://127.0.0.1:${port}/api/kernels?token=${token}`, { method: 'POST' });
    const { id } = (await made.json()) as { id: string };
    const session = randomUUID();
    const socket = await SleepyClient.open(
      `ws://127.0.0.1:${port}/api/kernels/${id}/channels?session_id=${session}&token=${token}`,
    );
    const code = `for i in range(${flood.pieces}):\n    display({'text/plain': f'piece {i} ' + 'x' * ${flood.bytes}}, raw=True)`;
    socket.send(shellMessage('execute_request', { code, ...quietly }));
    return socket;
  },
};

/** A file that is opened with others: the room says what it holds. */
const collaboration: Omit<FloodingServer, 'preset'> = {
  async start() {
    const server = await JupyterServer.lab();
    const text = Array.from({ length: flood.pieces }, (_, i) => `piece ${i} ${'x'.repeat(flood.bytes)}\n`).join('');
    writeFileSync(join(server.directory, 'flood.txt'), text);
    return server;
  },
  async ask(port) {
    const url = `http://127.0.0.1:${port}/api/collaboration/session/flood.txt?token=${token}`;
    const asked = await fetch(url, { method: 'PUT', body: JSON.stringify({ format: 'text', type: 'file' }) });
    const { format, type, fileId, sessionId } = (await asked.json()) as Record<string, string>;
    const room = `${format}:${type}:${fileId}`;
    const socket = await SleepyClient.open(
      `ws://127.0.0.1:${port}/api/collaboration/room/${room}?sessionId=${sessionId}&token=${token}`,
    );
    // What do you have, for one who has nothing? (y-protocols: a message of sync, its first step, an empty vector.)
    socket.send(Uint8Array.of(0, 0, 1, 0));
    return socket;
  },
};

/** uvicorn with the other of its two WebSocket libraries. */
const wsproto: Omit<FloodingServer, 'preset'> = {
  async start() {
    const port = await freePort();
    const server = await ServerProcess.start({
      name: 'uvicorn',
      command: venvProgram('http', 'uvicorn'),
      args: ['--ws', 'wsproto', '--port', String(port), '--log-level', 'warning', 'asgi_app:app'],
      cwd: fileURLToPath(new URL('../http/apps', import.meta.url)),
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      ready: answers(`http://127.0.0.1:${port}/seen?id=ready`),
    });
    return { port, [Symbol.asyncDispose]: () => server.stop() };
  },
  late: late(20),
  ask: (port) => SleepyClient.open(`ws://127.0.0.1:${port}/pieces?pieces=${flood.pieces}&bytes=${flood.bytes}`),
};

export const flooding: Readonly<Record<string, FloodingServer>> = {
  tornado: { preset: 'tornado', ...numbered('tornado', 20) },
  fastapi: { preset: 'fastapi', ...numbered('fastapi', 20) },
  uvicorn: { preset: 'uvicorn', ...wsproto },
  websockets: {
    preset: 'websockets', // It gives a handshake ten seconds (`open_timeout`).
    ...numbered('websockets', 8),
  },
  bokeh: { preset: 'bokeh', start: bokehServe, ...bokehDocument },
  panel: { preset: 'panel', start: () => panelServe(), ...bokehDocument },
  jupyter: { preset: 'jupyter', ...jupyter },
  'jupyter-collaboration': { preset: 'jupyter-collaboration', ...collaboration },
};
