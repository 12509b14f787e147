/** The most memory that a configuration allows. */
import type { Route } from '../types.ts';

/** One read of each leg that may come on top of a full buffer: the size of the shared read buffer. */
const readBytes = 2 * 32 * 1024;
/** A connection that carries nothing: two sockets and their state. */
export const idleBytes = 16 * 1024;
/** Measured: 101 MiB after the start; read buffers lend up to 16 MiB more. */
export const processBytes = 128 * 1024 * 1024;

/** One route's worst case: every connection open and both of its buffers full. */
export interface RouteMemory {
  readonly connections: number;
  readonly perConnection: number;
  readonly total: number;
}

/**
 * What a route's limits let it hold. Sizes of messages do not matter where none is judged: then none is held whole. A
 * buffer that holds one has grown to twice of it at most.
 */
export function worstCaseMemory(route: Route): RouteMemory {
  const { client, upstream } = route.limits;
  const held = 2 * ((route.validate.client?.maxTextBytes ?? 0) + (route.validate.upstream?.maxTextBytes ?? 0));
  const perConnection = client.maxBufferBytes + upstream.maxBufferBytes + held + readBytes + idleBytes;
  const connections = route.connections.max;
  return { connections, perConnection, total: connections * perConnection };
}

/** The parts of `perConnection` in words. */
export const perConnectionParts =
  'both max_buffer_size, 64KiB for one read each way, 16KiB for its sockets, and twice validate…max_size where texts are judged';

const MiB = 1024 * 1024;
/**
 * This holds without a bound from outside. It is enough for a thousand slow receivers, and less than any machine has.
 */
const unboundedDefault = 256 * MiB;
const smallestDefault = 16 * MiB;

/**
 * What all buffers may hold where the file does not say: a quarter of the container, or an eighth with TLS. The process
 * takes 128 MiB, and the kernel's own buffers, up to 4 MiB for a slow receiver, count against the container too. With
 * TLS Node and OpenSSL keep up to three times as much for what waits (measured). `containerBytes` is what the container
 * may use, `Infinity` where nothing bounds it.
 */
export function defaultMaxBuffered(containerBytes: number, tls: boolean): number {
  if (!Number.isFinite(containerBytes)) return unboundedDefault;
  return Math.max(smallestDefault, Math.floor(containerBytes / (tls ? 8 : 4)));
}
