/**
 * Loads a configuration in a thread of its own and sends it home piece by piece: parsing a file with thousands of
 * routes takes a second, and no connection shall wait for it. The thread's heap goes with it.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Alike } from '../model/alike.ts';
import type { LoadMessage } from './load-aside.ts';
import { type FileContent, loadFiles } from './read.ts';

/** Taking in a message of so many routes takes about 1 ms. */
const routesPerPiece = 100;

// On Linux this is the thread's own priority: the relay goes first where they share a core.
setPriority(constants.priority.PRIORITY_LOW);

const loaded = loadFiles(workerData as readonly FileContent[]);
const send = (piece: LoadMessage) => parentPort!.postMessage(piece);
if ('errors' in loaded) {
  send({ kind: 'errors', errors: loaded.errors });
} else {
  const { config, resolved } = loaded;
  send({ kind: 'top', config: { ...config, routes: [] }, resolved: { ...resolved, routes: [] } });
  for (let at = 0; at < resolved.routes.length; at += routesPerPiece) {
    const alike = new Alike();
    const routes = resolved.routes.slice(at, at + routesPerPiece);
    send({ kind: 'routes', routes: routes.map((route) => alike.of(route)) });
  }
  send({ kind: 'end' });
}
