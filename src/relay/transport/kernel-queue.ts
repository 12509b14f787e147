/**
 * How much the kernel still holds for a peer. Node hears of a slow receiver only when a third of the kernel's send
 * buffer is free again. With a buffer of 4 MiB and a reader of 20 KB/s that is every 65 s (measured). Linux shows the
 * queue itself, in its tables of all sockets.
 */
import type { Socket } from 'node:net';
import type { KernelQueue } from '../core/stall.ts';
import { TableReader } from './table-reader.ts';

const reader = new TableReader();

/** When a reading was first seen to lack a socket. */
const missedAt = new WeakMap<Socket, number>();

/**
 * The send queue of a socket as the last reading has it. Asks for another reading where that is too old, and where the
 * socket may be younger: on a machine with many sockets a reading lasts for seconds.
 */
export function kernelQueue(socket: Socket, now: number): KernelQueue {
  if (socket.localPort === undefined) return null;
  const tables = reader.tables(now);
  if (tables === 'pending') return 'pending';
  const bytes = tables.table.queueOf(socket);
  if (bytes !== null) return { bytes, at: tables.at };
  const missed = missedAt.get(socket) ?? now;
  missedAt.set(socket, missed);
  return tables.at < missed ? 'pending' : null;
}

/**
 * Whether a socket's peer has sent its FIN, as the last reading has it: a socket that is not read does not tell.
 * `absent`: the table has no such socket, because that has been reset, or for a reason of its own. Asks for another
 * reading where that is too old.
 */
export function peerEnd(socket: Socket, now: number): 'open' | 'ended' | 'absent' | 'pending' {
  const tables = reader.tables(now);
  if (tables === 'pending') return 'pending';
  const hasEnded = tables.table.hasEnded(socket);
  if (hasEnded === null) return 'absent';
  return hasEnded ? 'ended' : 'open';
}

/** Lets go of a reading that is too old. */
export function forgetKernelQueues(now: number): void {
  reader.forget(now);
}
