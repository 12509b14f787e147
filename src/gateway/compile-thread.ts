/** Compiles schemas in a thread of its own, whose heap goes with it. */
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { loadCompiler } from '../validation/schema.ts';

// On Linux this is the thread's own priority: the relay has nine tenths of a core that they share.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const compile = await loadCompiler();
parentPort!.on('message', (text: string) => parentPort!.postMessage(compile(text)));
