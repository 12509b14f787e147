/** How people are told where a value stands: by its line, and by its file where there are several. */
import { basename } from 'node:path';
import type { Source } from './resolved.ts';

/** Names a place: `line 14`, or `limits.yaml:14`. */
export type NamePlace = (place: { readonly file: string; readonly line: number }) => string;

/** The way to name places in these files; folders are told where the files' own names are not enough. */
export function placeNamer(files: readonly string[]): NamePlace {
  if (files.length < 2) return ({ line }) => `line ${line}`;
  const distinct = new Set(files.map((file) => basename(file))).size === files.length;
  return ({ file, line }) => `${distinct ? basename(file) : file}:${line}`;
}

/** A source in few words. */
export function formatSource(source: Source, nameOf: NamePlace): string {
  if (source.from === 'built in') return 'built in';
  if (source.from === 'preset') return 'preset';
  return source.from === 'defaults' ? `defaults, ${nameOf(source)}` : nameOf(source);
}
