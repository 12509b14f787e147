/**
 * configurable-http-proxy and `sluice hub-proxy`, started with the same flags and asked the same, in one order. Where
 * their answers differ it is on purpose, and the reason stands here.
 */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { frame } from '../../helpers/frames.ts';
import { token } from '../../helpers/hub.ts';
import { commandNames, type HubCommand, startHubCommand } from '../../helpers/hub-command.ts';
import { listen } from '../../helpers/listen.ts';
import { rawConnect, sampleAccept } from '../../helpers/raw-client.ts';
import { api, unanswered } from './black-box-api.ts';
import { type Case, target as targetMark } from './black-box-case.ts';
import { onPurpose } from './black-box-differences.ts';
import { handshakes, http, paths } from './black-box-public.ts';

/** What both say, each in its own words: what is compared is the rest. */
const ofOneHop = ['connection', 'keep-alive', 'transfer-encoding', 'date'];
const ofSluice = ['x-real-ip', 'x-scheme'];
/** Of a handshake CHP says the scheme `ws`, which no server takes for one (Tornado wants `http`), and no host. */
const ofHandshakes = ['x-forwarded-proto', 'x-forwarded-host'];

const without = (fields: Record<string, unknown>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

/** Answers in all the ways that its paths name, and tells what it was asked. */
const server: RequestListener = async (req, res) => {
  const { method, url = '', headers } = req;
  const [, kind, what] = /^\/(status|answer)\/(.*)$/.exec(url) ?? [];
  res.setHeader('X-Server', 'the server');
  if (kind === 'status')
    return void res.writeHead(Number(what), { Location: '/elsewhere', 'WWW-Authenticate': 'Basic' }).end();
  if (kind === 'answer') return answers[what!]!(req, res);
  const body = await text(req);
  res.setHeader('Content-Type', 'application/json');
  return void res.end(
    JSON.stringify({
      method,
      url,
      headers: without(headers, [...ofOneHop, ...ofSluice]),
      body: body.slice(0, 100),
      size: body.length,
    }),
  );
};

const answers: Record<string, RequestListener> = {
  fields: (_req, res) =>
    void res
      .writeHead(200, 'Very Fine', {
        ETag: '"x"',
        Vary: 'Cookie',
        'Cache-Control': 'no-store',
        'X-Empty': '',
        'Content-Security-Policy': "default-src 'self'",
      })
      .end('x'),
  cookies: (_req, res) => void res.writeHead(200, { 'Set-Cookie': ['a=1; Path=/', 'b=2; HttpOnly'] }).end(),
  chunked: (_req, res) => {
    res.write('one');
    setImmediate(() => res.end('two'));
  },
  none: (_req, res) => void res.writeHead(200, { 'Content-Length': 0 }).end(),
  closes: (_req, res) => void res.writeHead(200, { Connection: 'close' }).end('x'),
  encoded: (_req, res) =>
    void res.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain' }).end('no gzip'),
  hints: (_req, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.end('x');
  },
};

/** Agrees to a handshake, and ends the connection with a text that says what it was asked; or refuses it. */
function greet({ url = '', headers }: IncomingMessage, socket: Duplex): void {
  const [, status] = /^\/status\/(\d+)/.exec(url) ?? [];
  const refusal = `HTTP/1.1 ${status} No\r\nX-Server: the server\r\nLocation: /login\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno`;
  if (status !== undefined) return void socket.end(refusal);
  const [protocol] = String(headers['sec-websocket-protocol'] ?? '').split(', ');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'X-Server: the server',
  ];
  if (protocol) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  socket.write([...lines, `Sec-WebSocket-Accept: ${sampleAccept}`, '', ''].join('\r\n'));
  const told = JSON.stringify({ url, headers: without(headers, [...ofOneHop, ...ofSluice, ...ofHandshakes]) });
  socket.write(frame(told));
}

interface Answered {
  readonly status: string;
  readonly fields: Record<string, unknown>;
  readonly body: string;
}

/** Sends one request on a connection of its own, and reads its answer to the end. */
async function send(
  port: number,
  { method, path, headers, body, status }: Case,
  fill: (mark: string) => string,
): Promise<Answered> {
  const framed = headers.some((field) => /^(content-length|transfer-encoding):/i.test(field));
  const content = fill(body);
  const length = framed || content === '' ? [] : [`Content-Length: ${Buffer.byteLength(content)}`];
  const peer = await rawConnect(port);
  peer.send(
    Buffer.from(
      [
        `${method} ${path} HTTP/1.1`,
        'Host: hub.example:8000',
        ...(status === undefined ? ['Connection: close'] : []),
        ...headers.map(fill),
        ...length,
        '',
        content,
      ].join('\r\n'),
    ),
  );
  if (status === undefined) return parsed((await peer.rest()).toString());
  // After a handshake, refused or not, a connection may stay.
  const head = await peer.head();
  const told = head.startsWith('HTTP/1.1 101 ') ? (await peer.frame()).payload.toString() : '';
  peer.reset();
  return parsed(head + told);
}

/** What came, without what each sends in its own way: hints, dates, chunks. */
function parsed(text: string): Answered {
  const end = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const rest = text.slice(end + 4);
  if (/^HTTP\/1.1 10[^1]/.test(first)) return parsed(rest);
  const fields: Record<string, unknown> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
    const key = name.toLowerCase();
    fields[key] = key in fields ? [fields[key], value].flat() : value;
  }
  const body =
    fields['transfer-encoding'] === 'chunked'
      ? rest.replace(/[0-9a-f]+\r\n([\s\S]*?)\r\n(?=[0-9a-f]+\r\n)|0\r\n\r\n$/gi, '$1')
      : rest;
  return { status: first.slice('HTTP/1.1 '.length), fields, body };
}

interface Seen {
  readonly status: string;
  readonly [what: string]: unknown;
}

/** What of an answer its reader goes by: of those of their own the status, and JSON; of a server's all of it. */
function seen({ status, fields, body }: Answered, fill: (text: string) => string): Seen {
  const isJson = String(fields['content-type']).startsWith('application/json') || fields.upgrade !== undefined;
  const json = isJson ? JSON.stringify(withoutTimes(JSON.parse(fill(body) || 'null'))) : null;
  if (fields['x-server'] === undefined)
    return {
      status: status.slice(0, 3),
      ...(json === null ? {} : { json, type: fields['content-type'] }),
      isEmpty: body === '',
    };
  return { status, fields: without(fields, [...ofOneHop, 'content-length']), body: json ?? body };
}

function withoutTimes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [
        key,
        key === 'last_activity' ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(inner)) : withoutTimes(inner),
      ]),
  );
}

/** A server that both are before, and both of them; texts of it and for it, whatever its port. */
async function beside() {
  const backend = createServer(server).on('upgrade', greet);
  // CHP keeps its connections: none of them is to end just when it is used again.
  backend.keepAliveTimeout = 0;
  onTestFinished(() => {
    backend.close();
    backend.closeAllConnections();
  });
  const here = `http://127.0.0.1:${await listen(backend)}`;
  const [theirs, ours] = await Promise.all(commandNames.map((name) => startHubCommand(name, ['--ip=127.0.0.1'])));
  const fill = (text: string) =>
    text.replaceAll(targetMark, here).replaceAll('{token}', token).replaceAll('{token', token.slice(0, -1));
  const sendTo = async (command: HubCommand, one: Case) => {
    const answer = await send(command.port(one.to === 'api' ? 8001 : 8000), one, fill);
    return seen(answer, (text) => text.replaceAll(here, targetMark));
  };
  return { commands: [theirs!, ours!] as const, ours: ours!, sendTo };
}

test('every request has the same answer from both, but for what differs on purpose', async () => {
  const { commands, sendTo } = await beside();
  const differ: string[] = [];
  for (const one of [...api, ...paths, ...http]) {
    const [a, b] = await Promise.all(commands.map((command) => sendTo(command, one)));
    if (!isDeepStrictEqual(a, b)) differ.push(`${one.name}: ${a!.status.slice(0, 3)}, ${b!.status.slice(0, 3)}`);
  }
  const meant = onPurpose.flatMap(({ names, statuses }) => names.map((name) => `${name}: ${statuses}`));
  expect(differ.sort()).toEqual(meant.sort());
});

test('what CHP never answers is answered', async () => {
  const { ours, sendTo } = await beside();
  for (const one of unanswered) expect((await sendTo(ours, one)).status, one.name).toBe('404');
});

test('handshakes come out alike', async () => {
  const { commands, sendTo } = await beside();
  for (const one of handshakes) {
    const [a, b] = await Promise.all(commands.map((command) => sendTo(command, one)));
    expect(b, one.name).toEqual(a);
    expect(b!.status.slice(0, 3), one.name).toBe(one.status ?? '201');
  }
});
