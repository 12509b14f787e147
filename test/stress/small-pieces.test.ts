/**
 * Bounds in bytes do not bound work: whoever sends as many of the smallest pieces as a connection takes holds nobody
 * up. One attacker of each kind, for as long as a few seconds let it.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { switching } from '../helpers/fake-upstream.ts';
import { frame } from '../helpers/frames.ts';
import { listen } from '../helpers/listen.ts';
import type { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawClient, rawConnect } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { RecordClient } from '../helpers/tls-records.ts';
import { scratchDirectory } from '../real/harness/paths.ts';
import { discard } from './load.ts';
import { Neighbour } from './neighbour.ts';

const forMs = 3000;
const attackersOfTls = [1, 2, 3, 4, 5];
const forever = new Promise<never>(() => {});

/**
 * A backend that takes whatever it gets; below `/crumbs` it answers in chunks of one byte for as long as it is read.
 */
async function backend(): Promise<number> {
  const crumbs = Buffer.from('1\r\nx\r\n'.repeat(10_000));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let told = '';
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      // What comes behind a head is taken, and counts for nothing.
      if (told.includes('\r\n\r\n')) return;
      told += chunk.toString('latin1');
      if (!told.includes('\r\n\r\n')) return;
      const isHandshake = told.includes('Upgrade: websocket');
      const status = isHandshake ? '403 Forbidden' : '200 OK';
      if (/^\s*\w+ \/crumbs/.test(told))
        pour(socket, `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`, crumbs);
      else if (isHandshake) socket.write(switching(told));
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

/** Writes something, and then the same again and again for as long as the other side takes it. */
function pour(socket: Socket, first: string | Buffer, again: Buffer): void {
  socket.write(first);
  const more = () => {
    while (!socket.destroyed && socket.write(again));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
}

/** Pours, and hears nothing of what comes back. */
function flood(peer: Peer, first: string | Buffer, again: Buffer): void {
  discard(peer);
  pour(peer.socket, first, again);
}

const times = (piece: Buffer, count = 10_000) => Buffer.concat(Array<Buffer>(count).fill(piece));
const ping = times(frame('', { opcode: 9, mask: true }));
const empty = times(frame('', { opcode: 2, mask: true }));
const text = times(frame('', { opcode: 1, mask: true }));
const fragment = times(frame('', { opcode: 0, mask: true, fin: false }));
const chunk = times(Buffer.from('1\r\nx\r\n'));
const upload = (method: string) => `${method} /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`;
const ask = (method: string) => `${method} /crumbs HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Who attacks, at a port. */
const attackers: Readonly<Record<string, (port: number) => Promise<Peer>>> = {
  'pings, and more of them behind the 1008': async (port) => {
    const client = await rawClient(port);
    flood(client, '', ping);
    return client;
  },
  'empty messages': async (port) => {
    const client = await rawClient(port);
    flood(client, '', empty);
    return client;
  },
  'empty fragments, and more of them behind the 1008': async (port) => {
    const client = await rawClient(port);
    flood(client, frame('a', { opcode: 2, mask: true, fin: false }), fragment);
    return client;
  },
  'texts that are refused, one by one, with an answer': async (port) => {
    const client = await rawClient(port, { path: '/answered' });
    discard(client);
    flood(client, '', text);
    return client;
  },
  'an upload in chunks of one byte': async (port) => {
    const client = await rawConnect(port);
    flood(client, upload('POST'), chunk);
    return client;
  },
  'the same in the careful lane': async (port) => {
    const client = await rawConnect(port);
    flood(client, upload('PROPFIND'), chunk);
    return client;
  },
  'an answer in chunks of one byte': async (port) => {
    const client = await rawConnect(port);
    discard(client);
    client.sendText(ask('GET'));
    return client;
  },
  'the same in the careful lane, for another method': async (port) => {
    const client = await rawConnect(port);
    discard(client);
    client.sendText(ask('PROPFIND'));
    return client;
  },
};

test('one who sends the smallest pieces there are, of any kind, holds nobody up', async () => {
  const upstream = `http://127.0.0.1:${await backend()}`;
  const route = { name: 'attacked', upstream, http: { max_body_size: '10GiB' } };
  const validate = { client: { max_depth: 8, action: 'reply' } };
  const answered = { name: 'answered', match: { path: '/answered' }, upstream, validate };
  const neighbour = await Neighbour.start({ routes: [route, answered] });
  for (const [what, attack] of Object.entries(attackers)) {
    const peer = await attack(neighbour.sluice.port);
    await neighbour.watch(what, forever, forMs);
    peer.socket.destroy();
  }
});

const shake = handshakeRequest({ path: '/crumbs' });
/** What backends answer in chunks of one byte; an empty line brings a request into the careful lane. */
const crumbled: Readonly<Record<string, string>> = {
  'answers in chunks of one byte': ask('GET'),
  'such answers in the careful lane': ask('PROPFIND'),
  'refusals of handshakes in chunks of one byte': shake,
  'such refusals in the careful lane': `\r\n${shake}`,
};

test('nor do twenty at once whose backends answer so', async () => {
  const upstream = `http://127.0.0.1:${await backend()}`;
  const neighbour = await Neighbour.start({ routes: [{ name: 'attacked', upstream }] });
  for (const [what, request] of Object.entries(crumbled)) {
    const peers = await Promise.all(Array.from({ length: 20 }, () => rawConnect(neighbour.sluice.port)));
    for (const peer of peers) {
      discard(peer);
      peer.sendText(request);
    }
    await neighbour.watch(`twenty ${what}`, forever, forMs);
    for (const peer of peers) peer.socket.destroy();
  }
});

/** A Sluice that speaks TLS and its neighbour. */
async function secureNeighbour(): Promise<Neighbour> {
  const folder = scratchDirectory('records');
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  const upstream = `http://127.0.0.1:${await backend()}`;
  return Neighbour.start({ listen: { tls: files }, routes: [{ name: 'attacked', upstream }] });
}

test('nor do a few whose TLS records hold a byte each', async () => {
  const neighbour = await secureNeighbour();
  const heads = {
    'a WebSocket': handshakeRequest(),
    'an upload in the careful lane': 'PROPFIND /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n',
  };
  for (const [what, head] of Object.entries(heads)) {
    const clients = await Promise.all(attackersOfTls.map(() => RecordClient.connect(neighbour.sluice.port)));
    for (const client of clients) {
      client.tls.on('data', () => {});
      client.tcp.write(client.record(Buffer.from(head)));
    }
    // The beginning of a frame of 1 MiB.
    const bytes = Buffer.concat([Buffer.from('82ff000000000010000000000000', 'hex'), Buffer.alloc(60_000)]);
    const records = clients.map((client) => client.records(bytes));
    for (const [i, { tcp }] of clients.entries()) tcp.write(records[i]!);
    // One look, at what they do in their first second.
    await neighbour.watch(`${clients.length} times ${what} in TLS records of one byte`, forever, 900);
    for (const { tcp } of clients) {
      expect(tcp.destroyed).toBe(false);
      tcp.destroy();
    }
  }
});

test('nor does one who does nothing but change its TLS keys, and it is hung up on', async () => {
  const neighbour = await secureNeighbour();
  for (const asksForOurs of [false, true]) {
    const clients = await Promise.all(Array.from({ length: 3 }, () => RecordClient.connect(neighbour.sluice.port)));
    const floods = clients.map((client) =>
      Buffer.concat(Array.from({ length: 20_000 }, () => client.keyUpdate(asksForOurs))),
    );
    // Each is over at once, and every second has one.
    const inTurn = async () => {
      for (const [i, { tcp }] of clients.entries()) {
        const gone = once(tcp, 'close');
        tcp.write(floods[i]!);
        await gone;
        await setTimeout(1000);
      }
    };
    const work = inTurn();
    await neighbour.watch(`changes of TLS keys${asksForOurs ? ', and of ours' : ''}`, work, 30_000);
    await work;
  }
});
