/**
 * A backend and a client in a thread of their own, so that what the test itself does holds no message up. It tells the
 * port of its backend; a number makes it connect there and send one message after the other; any other message asks for the
 * longest that one took since the last time, in ms.
 */
import { parentPort } from 'node:worker_threads';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { clientFrame } from '../helpers/frames.ts';
import { rawClient } from '../helpers/raw-client.ts';

const port = parentPort!;
const backend = await fakeUpstream();
let longest = 0;
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
    longest = Math.max(longest, performance.now() - sentAt);
    sentAt = null;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

port.on('message', (asked: number | 'longest') => {
  if (typeof asked === 'number') {
    void talk(asked);
    return;
  }
  port.postMessage(sentAt === null ? longest : Math.max(longest, performance.now() - sentAt));
  longest = 0;
});
port.postMessage(backend.port);
