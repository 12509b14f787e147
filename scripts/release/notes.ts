/** Prints what CHANGELOG.md says of a version: `node scripts/release/notes.ts 0.2.0`. */
import { readFileSync } from 'node:fs';

/** The section of a version, without its heading; throws where there is none. */
export function notesOf(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.startsWith(`[${version}]`));
  if (section === undefined)
    throw new Error(`CHANGELOG.md has no section [${version}]; run scripts/release/version.ts first`);
  return `${section.slice(section.indexOf('\n')).trim()}\n`;
}

if (import.meta.main) process.stdout.write(notesOf(readFileSync('CHANGELOG.md', 'utf8'), process.argv[2] ?? ''));
