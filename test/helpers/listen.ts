/** Servers on a free port of loopback. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Listens on a free port of 127.0.0.1 and returns it. */
export async function listen(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  server.off('error', reject);
  return (server.address() as AddressInfo).port;
}

/** Closes a server and waits until its last connection is gone. */
export async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

/**
 * A port of 127.0.0.1 at which nobody listens, nor can before the test ends: it is one end of a connection. The other
 * end is another port, so two sockets are of it.
 */
export async function refusingPort(): Promise<number> {
  const server = createServer();
  const to = { port: await listen(server), host: '127.0.0.1' };
  // An address that is asked for keeps the kernel from giving the port to other connections, too.
  const holder = connect({ ...to, localAddress: '127.0.0.1' });
  const [[other]] = (await Promise.all([once(server, 'connection'), once(holder, 'connect')])) as [[Socket], unknown];
  onTestFinished(() => {
    for (const socket of [holder, other]) socket.destroy();
    server.close();
  });
  return holder.localPort!;
}

/** A port at which nobody listens now, for who listens there next: others may be faster. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await closed(server);
  return port;
}
