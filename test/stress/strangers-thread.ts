/**
 * Strangers in a thread of their own: handshakes without credentials, so many a second. `{port, perSecond}` makes them
 * come. `null` ends that; when the last has gone it is answered with how many were refused with 401, and how many ended
 * otherwise.
 */
import { connect } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { handshakeRequest } from '../helpers/raw-client.ts';
import { threadFirst } from './first.ts';

// Behind the echo's.
threadFirst(1);

const parent = parentPort!;
const request = handshakeRequest({ path: '/closed' });
/** Whoever has been held up does not come with all who came after it. */
const mostAtOnce = 10;
let counts = { refused: 0, otherwise: 0 };
let timer: NodeJS.Timeout | undefined;
let underWay = 0;
/** Nobody comes any more, and who has come is waited for. */
let ends = false;

function come(port: number): void {
  let isOver = false;
  underWay++;
  const over = (as: keyof typeof counts) => {
    if (isOver) return;
    isOver = true;
    counts[as]++;
    underWay--;
    socket.destroy();
    tell();
  };
  const socket = connect(port, '127.0.0.1', () => socket.write(request));
  socket.on('data', (data) => over(data.toString('latin1', 9, 12) === '401' ? 'refused' : 'otherwise'));
  socket.on('close', () => over('otherwise')).on('error', () => over('otherwise'));
}

/** Tells how many there were when the last of them has gone. */
function tell(): void {
  if (!ends || underWay > 0) return;
  ends = false;
  parent.postMessage(counts);
  counts = { refused: 0, otherwise: 0 };
}

parent.on('message', (asked: { readonly port: number; readonly perSecond: number } | null) => {
  clearInterval(timer);
  if (asked === null) {
    ends = true;
    tell();
    return;
  }
  let last = performance.now();
  timer = setInterval(() => {
    const eachMs = 1000 / asked.perSecond;
    const due = Math.floor((performance.now() - last) / eachMs);
    last += due * eachMs;
    for (let i = 0; i < Math.min(due, mostAtOnce); i++) come(asked.port);
  }, 1);
});
