/** A client that closes behind its messages hears as much through Sluice as it does directly. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Backend, backends, type RelayedFleet, startRelayedFleet, through } from './fleet.ts';

let fleet: RelayedFleet;

beforeAll(async () => {
  fleet = await startRelayedFleet();
});

afterAll(() => fleet?.[Symbol.asyncDispose]());

interface Heard {
  readonly messages: readonly string[];
  readonly code: number;
}

/** Sends messages and a close in one write, and listens to the end. */
async function say(port: number, name: Backend['name'], path: string, messages: readonly string[]): Promise<Heard> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: `${name}.test` } });
  const heard: string[] = [];
  let tcp: Socket | undefined;
  socket.on('upgrade', (response) => {
    tcp = response.socket;
  });
  socket.on('message', (data) => heard.push(String(data)));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code) => resolve({ messages: heard, code }));
    socket.on('open', () => {
      tcp!.cork();
      for (const message of messages) socket.send(message);
      socket.close(1000);
      tcp!.uncork();
    });
  });
}

/** Closes at the first message of a flood, and listens on: the messages' numbers. */
async function leaveAtFirst(port: number, name: Backend['name'], path: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: `${name}.test` } });
  const numbers: number[] = [];
  socket.on('message', (data: Buffer) => {
    if (numbers.push(data.readUInt32BE()) === 1) socket.close(1000);
  });
  const [code] = (await once(socket, 'close')) as [number];
  return { numbers, code };
}

const twenty = Array.from({ length: 20 }, (_, i) => `message ${i}`);

describe.for(backends)('$name', ({ name, maxMessageBytes }) => {
  const ways = (): [number, number] => [fleet.apps[name].ports.default!, fleet.sluice.port];

  it('has its answers to twenty messages delivered to a client that has closed behind them', async () => {
    const [direct, relayed] = await Promise.all(ways().map((port) => say(port, name, '/echo', twenty)));
    // The `websockets` library, which uvicorn uses as well, answers a close as soon as it has read it: how much its
    // application has said by then is chance, directly too.
    if (name === 'tornado') expect(direct).toEqual({ messages: twenty, code: 1000 });
    else expect(direct!.code).toBe(1000);
    if (name === 'tornado') expect(relayed).toEqual(direct);
    else expect(relayed).toEqual({ messages: twenty.slice(0, relayed!.messages.length), code: 1000 });
  });

  // Tornado's flood goes on behind the close; what it answers is held above.
  if (name !== 'tornado')
    it('has all that it has sent delivered to a client that closes in its midst', async () => {
      for (const port of ways()) {
        const flood = randomUUID();
        const { numbers, code } = await leaveAtFirst(port, name, `/flood?messages=10000&bytes=1000&name=${flood}`);
        const sent = Number(await (await fetch(`http://127.0.0.1:${ways()[0]}/sent?name=${flood}`)).text());
        expect(code).toBe(1000);
        expect(numbers).toEqual(Array.from(numbers, (_, i) => i));
        // One more may be on its way while the library tells its application of the close.
        expect([0, 1]).toContain(numbers.length - sent);
      }
    });

  it('has an answer that takes 100 ms delivered where it is directly', async () => {
    const [direct, relayed] = await Promise.all(ways().map((port) => say(port, name, '/work', ['work'])));
    if (name === 'tornado') expect(direct).toEqual({ messages: ['work'], code: 1000 });
    expect(relayed).toEqual(direct);
  });

  it('is told why a message ends after its first fragments', async () => {
    const watch = randomUUID();
    const uri = `${through(fleet.sluice, name)}/watch?name=${watch}`;
    // The third fragment of four crosses the preset's limit.
    const bytes = Math.floor(maxMessageBytes * 1.5);
    const { code } = await fleet.client.run('exchange', { uri, bytes, fragments: 4 });
    expect(code).toBe(1009);
    const closed = await fetch(`http://127.0.0.1:${fleet.apps[name].ports.default}/closed?name=${watch}`);
    // uvicorn tells its application what it answered itself; the log of Sluice says who has half a message.
    const told = name === 'fastapi' ? { code: 1002, reason: 'incomplete fragmented message' } : { code: 1009 };
    expect(await closed.json()).toMatchObject(told);
    const end = await fleet.sluice.logged({ event: 'end', route: name, reason: 'message_too_big' });
    expect(end).toMatchObject({ incomplete: ['upstream'], cut: [] });
  });
});
