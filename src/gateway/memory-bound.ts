/** What all buffers together may hold, and where the number comes from. */
import { totalmem } from 'node:os';
import { defaultMaxBuffered } from '../config/model/memory.ts';
import type { Config } from '../config/types.ts';

/** What the process may use before the system ends it, in bytes; `Infinity` where that is not known. */
export function containerBytes(constrained = process.constrainedMemory(), machine = totalmem()): number {
  return constrained > 0 && constrained <= machine ? constrained : Number.POSITIVE_INFINITY;
}

/** In bytes, with the source in words for the log. */
export function memoryBound({ memory, listen }: Config): { readonly bytes: number; readonly source: string } {
  if (memory.maxBufferedBytes !== null) return { bytes: memory.maxBufferedBytes, source: 'memory.max_buffered' };
  const container = containerBytes();
  const tls = listen.tls !== null;
  return {
    bytes: defaultMaxBuffered(container, tls),
    source: Number.isFinite(container)
      ? `${tls ? 'an eighth' : 'a quarter'} of the container's ${container} bytes`
      : 'built in',
  };
}
