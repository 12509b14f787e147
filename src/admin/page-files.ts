/** The status page's files, as endpoints of the admin port. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPage, readStatic, type StaticFile } from '../page/static-files.ts';
import { pagePolicy } from './answer.ts';
import type { AdminEndpoint } from './router.ts';

const names = [
  'index.html',
  'style.css',
  'tables.css',
  'main.js',
  'format.js',
  'dom.js',
  'feed.js',
  'token.js',
  'state.js',
  'summary.js',
  'routes.js',
  'find-route.js',
  'plots.js',
  'throughput.js',
  'sizes.js',
  'violations.js',
  'pager.js',
  'connections.js',
  'close.js',
];

/** The plotting library, as it is installed. */
const libraries = { 'uPlot.esm.js': '/uplot.js', 'uPlot.min.css': '/uplot.css' };

/**
 * The endpoints of the page: `/` and what it loads. They are open, because they hold nothing; the page asks for the
 * token.
 */
export function pageEndpoints(): AdminEndpoint[] {
  const dist = pathToFileURL(dirname(createRequire(import.meta.url).resolve('uplot')));
  const own = readPage(new URL('page/', import.meta.url), names);
  const others = Object.entries(libraries).map(
    ([name, path]) => [path, readStatic(new URL(`${dist.href}/${name}`))] as const,
  );
  return [...own, ...others].map(([path, file]) => endpoint(path, file));
}

function endpoint(path: string, { type, body }: StaticFile): AdminEndpoint {
  const answer = { status: 200, type, body, headers: { 'Content-Security-Policy': pagePolicy } };
  return { method: 'GET', path, access: 'open', answer: () => answer };
}
