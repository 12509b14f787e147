/** Connections over TLS on loopback. */
import { once } from 'node:events';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { listen } from './listen.ts';
import type { SocketPair } from './relay.ts';
import { cert, key } from './test-certificate.ts';

/** A pair over TLS; `sluice` says whether Sluice's side is the one that connected, as to an upstream. */
export async function tlsPair(sluice: 'connects' | 'accepts'): Promise<SocketPair> {
  const server = createServer({ cert, key, allowHalfOpen: true });
  const accepted = Promise.withResolvers<TLSSocket>();
  server.on('secureConnection', accepted.resolve);
  const port = await listen(server);
  const connected = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
  connected.allowHalfOpen = true;
  await once(connected, 'secureConnect');
  const other = await accepted.promise;
  server.close();
  const [end, side] = sluice === 'connects' ? [other, connected] : [connected, other];
  side.on('error', () => {}).pause();
  return [end, side];
}
