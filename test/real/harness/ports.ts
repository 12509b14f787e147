/** Ports for programs that cannot be told to take any free one and say which. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** The system may name a port again before the program that it was for has taken it. */
const given = new Set<number>();

/** A loopback port that was free a moment ago, and that was given to nobody in this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}
