/**
 * A process of its own that sets routes, so that what a client costs is neither in the times nor on the core of the
 * test: it writes bytes that it has made before, over ten connections, each the next request when the one before is
 * answered. It is sent `[port, requests]` again and again, and answers with the times that they took, in ms.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const connections: Socket[] = [];
const created = Buffer.from('HTTP/1.1 201 ');

async function set(port: number, requests: readonly Buffer[]): Promise<number[]> {
  while (connections.length < 10) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    connections.push(socket);
  }
  const times: number[] = [];
  let next = 0;
  const one = async (socket: Socket) => {
    while (next < requests.length) {
      const began = performance.now();
      socket.write(requests[next++]!);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      times.push(performance.now() - began);
      if (!answer.subarray(0, created.length).equals(created)) throw new Error(`answered with ${answer}`);
    }
  };
  await Promise.all(connections.map(one));
  return times;
}

process.on('message', async ([port, requests]: [number, string[]]) => {
  const times = await set(
    port,
    requests.map((text) => Buffer.from(text)),
  );
  process.send!(times);
});
