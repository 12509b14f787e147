/** The status page's files, read once; a fixed list, so that no path leads anywhere else. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pagePolicy } from './answer.ts';
import type { Endpoint } from './router.ts';

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };

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
  'plots.js',
  'throughput.js',
  'sizes.js',
  'violations.js',
  'pager.js',
  'connections.js',
  'close.js',
  'icon.svg',
];

/** The plotting library, as it is installed. */
const libraries = { 'uPlot.esm.js': '/uplot.js', 'uPlot.min.css': '/uplot.css' };

/** Endpoints of the page: `/` and what it loads. They are open: they hold nothing, and a token is asked for by the page. */
export function pageEndpoints(): Endpoint[] {
  const own = names.map((name) =>
    file(
      name === 'index.html' ? '/' : `/${name}`,
      name,
      readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8'),
    ),
  );
  const dist = dirname(createRequire(import.meta.url).resolve('uplot'));
  const others = Object.entries(libraries).map(([name, path]) =>
    file(path, name, readFileSync(join(dist, name), 'utf8')),
  );
  return [...own, ...others];
}

function file(path: string, name: string, body: string): Endpoint {
  const type = types[name.slice(name.lastIndexOf('.') + 1) as keyof typeof types];
  const answer = {
    status: 200,
    type: `${type}; charset=utf-8`,
    body,
    headers: { 'Content-Security-Policy': pagePolicy },
  };
  return { method: 'GET', path, access: 'open', answer: () => answer };
}
