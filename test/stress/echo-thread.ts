/**
 * A backend and a client in a thread of their own, so that what the test itself does holds no message up. It tells the
 * port of its backend. Words about a Sluice make it connect there and send one message after the
 * other; `longest` asks for the longest that one took since the last time, and `p99` for what 99 in a hundred took at
 * most, in ms; `next` for word when the next one is back.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { parentPort } from 'node:worker_threads';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest, rawClient } from '../helpers/raw-client.ts';
import { cert } from '../helpers/test-certificate.ts';
import { threadFirst } from './first.ts';

/** A Sluice whose route at `/echo` leads to the backend here. */
export interface Where {
  readonly port: number;
  readonly tls: boolean;
  /**
   * A process whose main thread's time on a core is the clock: how much it did before it came to the message, however
   * busy the machine is, and without what it did in its last 4 ms. `null` is the time of day: this thread comes first.
   */
  readonly pid: number | null;
}

const path = '/echo';
const port = parentPort!;
const backend = await fakeUpstream();
let tookMs: number[] = [];
let now = () => performance.now();
/** When the message that is under way was sent. */
let sentAt: number | null = null;
/** Somebody waits for the message that is under way, or else for the next one. */
let awaited = false;

/** A client of a Sluice that speaks TLS. */
async function secureClient(at: number): Promise<Peer> {
  const socket = connect({ port: at, host: '127.0.0.1', servername: 'localhost', ca: cert });
  await once(socket, 'secureConnect');
  const client = new Peer(socket);
  client.sendText(handshakeRequest({ path }));
  await client.head();
  return client;
}

async function meet(where: Where): Promise<Peer> {
  const { port: at, tls, pid } = where;
  if (pid === null) threadFirst(2);
  if (pid !== null) now = () => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  return tls ? secureClient(at) : rawClient(at, { path });
}

async function talk(where: Where): Promise<void> {
  const client = await meet(where);
  const upstream = await backend.next();
  const message = clientFrame(Buffer.from('x'));
  for (;;) {
    sentAt = now();
    client.send(message);
    await upstream.bytes(message.length);
    tookMs.push(now() - sentAt);
    sentAt = null;
    if (awaited) port.postMessage(null);
    awaited = false;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** All that were sent since the last time, the one that is under way among them, the longest last. */
function take(): number[] {
  const all = sentAt === null ? tookMs : [...tookMs, now() - sentAt];
  tookMs = [];
  return all.sort((a, b) => a - b);
}

port.on('message', (asked: Where | 'longest' | 'p99' | 'next') => {
  if (asked === 'longest' || asked === 'p99') {
    const all = take();
    port.postMessage((asked === 'p99' ? all[Math.floor(all.length * 0.99)] : all.at(-1)) ?? 0);
  } else if (asked === 'next') awaited = true;
  else void talk(asked);
});
port.postMessage(backend.port);
