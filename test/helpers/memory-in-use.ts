/** What this process holds. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once what nobody holds is gone: of V8's heap, and with what stands outside of it. */
export async function inUse(): Promise<{ heap: number; all: number }> {
  // Some handles let go of their objects a turn later.
  for (let i = 0; i < 4; i++) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, all: heapUsed + external };
}
