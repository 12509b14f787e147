/** Servers on a free port of loopback. */
import { type AddressInfo, createServer, type Server } from 'node:net';

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

/** A port at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await closed(server);
  return port;
}
