/** The demo page's static files. */
import { readPage, type StaticFile } from '../page/static-files.ts';

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
];

/** Every page file by its URL path. */
export function loadPage(): ReadonlyMap<string, StaticFile> {
  return readPage(new URL('page/', import.meta.url), names);
}
