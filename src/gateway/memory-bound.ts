/** What all buffers together may hold, and where the number comes from. */
import { totalmem } from 'node:os';
import { defaultMaxBuffered } from '../config/model/memory.ts';
import type { Config } from '../config/types.ts';

/** In bytes, with the source in words for the log. */
export function memoryBound({ memory, listen }: Config): { readonly bytes: number; readonly source: string } {
  if (memory.maxBufferedBytes !== null) return { bytes: memory.maxBufferedBytes, source: 'memory.max_buffered' };
  const container = process.constrainedMemory();
  const tls = listen.tls !== null;
  const bytes = defaultMaxBuffered(container, totalmem(), tls);
  const isBound = container > 0 && container <= totalmem();
  return {
    bytes,
    source: isBound ? `${tls ? 'an eighth' : 'a quarter'} of the container's ${container} bytes` : 'built in',
  };
}
