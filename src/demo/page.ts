/** The page's static files, read once; a fixed list, so that no path leads anywhere else. */
import { readFileSync } from 'node:fs';

/** A file ready to be sent. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
}

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const names = [
  'index.html',
  'style.css',
  'experiments.css',
  'instruments.css',
  'main.js',
  'format.js',
  'live.js',
  'channel.js',
  'messages.js',
  'files.js',
  'flood.js',
  'instruments.js',
  'icon.svg',
] as const;

/** Every page file by its URL path. */
export function loadPage(): ReadonlyMap<string, Asset> {
  return new Map(
    names.map((name) => {
      const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof types;
      const body = readFileSync(new URL(`page/${name}`, import.meta.url));
      return [name === 'index.html' ? '/' : `/${name}`, { type: `${types[extension]}; charset=utf-8`, body }];
    }),
  );
}
