/** Loads a configuration without holding the event loop: in a thread, taken in piece by piece. */
import { Worker } from 'node:worker_threads';
import type { ConfigError } from '../language/errors.ts';
import type { Loaded } from '../model/load.ts';
import type { Resolved, ResolvedRoute } from '../model/resolved.ts';
import type { Config } from '../types.ts';
import type { FileContent } from './read.ts';

/** What the thread sends: errors, or everything but the routes, the routes in several pieces, and the end. */
export type LoadMessage =
  | { readonly kind: 'errors'; readonly errors: readonly ConfigError[] }
  | { readonly kind: 'top'; readonly config: Config; readonly resolved: Resolved }
  | { readonly kind: 'routes'; readonly routes: readonly ResolvedRoute[] }
  | { readonly kind: 'end' };

/** The same ending as this file: `.ts` from the sources, `.js` from the package. */
const thread = new URL(`./load-thread${import.meta.url.slice(-3)}`, import.meta.url);

/**
 * Loads a configuration from its files' contents; rejects where the thread fails, which is a bug or a want of memory.
 */
export function loadAside(contents: readonly FileContent[]): Promise<Loaded> {
  const { promise, resolve, reject } = Promise.withResolvers<Loaded>();
  const worker = new Worker(thread, { workerData: contents, resourceLimits: { maxYoungGenerationSizeMb: 8 } });
  // The process does not stay for it.
  worker.unref();
  const routes: ResolvedRoute[] = [];
  let top: Extract<LoadMessage, { kind: 'top' }> | null = null;
  worker.on('message', (piece: LoadMessage) => {
    if (piece.kind === 'errors') resolve({ errors: piece.errors });
    else if (piece.kind === 'top') top = piece;
    else if (piece.kind === 'routes') routes.push(...piece.routes);
    else resolve(assemble(top!, routes));
  });
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`the thread that loads the configuration ended with ${code}`)));
  return promise;
}

function assemble(
  { config, resolved }: Extract<LoadMessage, { kind: 'top' }>,
  routes: readonly ResolvedRoute[],
): Loaded {
  return { config: { ...config, routes: routes.map(({ route }) => route) }, resolved: { ...resolved, routes } };
}
