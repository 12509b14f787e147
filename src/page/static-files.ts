/** A page's files, read once; a fixed list, so that no path leads anywhere else. */
import { readFileSync } from 'node:fs';

/** A file ready to be sent. */
export interface StaticFile {
  readonly type: string;
  readonly body: string;
}

const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
/** What the demo and the status page share: they are one family. */
const shared = ['base.css', 'icon.svg'];

/** One file; its name's ending says its type. */
export function readStatic(file: URL): StaticFile {
  const extension = file.pathname.slice(file.pathname.lastIndexOf('.') + 1) as keyof typeof types;
  return { type: `${types[extension]}; charset=utf-8`, body: readFileSync(file, 'utf8') };
}

/** The files of the page in `folder`, and those that pages share, by their URL paths; `index.html` is `/`. */
export function readPage(folder: URL, names: readonly string[]): Map<string, StaticFile> {
  const own = names.map(
    (name) => [name === 'index.html' ? '/' : `/${name}`, readStatic(new URL(name, folder))] as const,
  );
  const others = shared.map((name) => [`/${name}`, readStatic(new URL(name, import.meta.url))] as const);
  return new Map([...own, ...others]);
}
