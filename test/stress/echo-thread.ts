/**
 * A backend and a client in a thread of their own, so that what the test itself does holds no message up. It tells the
 * port of its backend; a number makes it connect there and send one message after the other; `longest` asks for the longest
 * that one took since the last time, and `p99` for what 99 in a hundred took at most, in ms.
 */
import { parentPort } from 'node:worker_threads';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';

const port = parentPort!;
const backend = await fakeUpstream();
let tookMs: number[] = [];
/** When the message that is under way was sent. */
let sentAt: number | null = null;

async function talk(sluicePort: number): Promise<void> {
  const client = await rawClient(sluicePort);
  const upstream = await backend.next();
  const message = clientFrame(Buffer.from('x'));
  for (;;) {
    sentAt = performance.now();
    client.send(message);
    await upstream.bytes(message.length);
    tookMs.push(performance.now() - sentAt);
    sentAt = null;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** All that were sent since the last time, the one that is under way among them, the longest last. */
function take(): number[] {
  const all = sentAt === null ? tookMs : [...tookMs, performance.now() - sentAt];
  tookMs = [];
  return all.sort((a, b) => a - b);
}

port.on('message', (asked: number | 'longest' | 'p99') => {
  if (typeof asked === 'number') {
    void talk(asked);
    return;
  }
  const all = take();
  port.postMessage((asked === 'p99' ? all[Math.floor(all.length * 0.99)] : all.at(-1)) ?? 0);
});
port.postMessage(backend.port);
