/**
 * Prints the licences of the packages under a node_modules directory as one Markdown page: what an image that carries
 * them must carry too. `node scripts/third-party.ts node_modules`
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The licence's text, or `null` where the package brings none. */
  readonly text: string | null;
}

const packages = [...installed(process.argv[2]!)].sort((a, b) => (a.name < b.name ? -1 : 1));
process.stdout.write(`# Third-party software\n\nSluice is distributed with these packages.\n\n`);
for (const { name, version, license, text } of packages) {
  process.stdout.write(`## ${name} ${version}\n\nLicence: ${license}\n\n`);
  if (text !== null) process.stdout.write(`${text.trim().replaceAll(/^/gm, '    ').replaceAll(/ +$/gm, '')}\n\n`);
}

function* installed(directory: string): Generator<Package> {
  for (const entry of readdirSync(directory)) {
    if (entry.startsWith('.')) continue;
    const path = join(directory, entry);
    if (entry.startsWith('@')) {
      yield* installed(path);
      continue;
    }
    yield describe(path);
    const nested = join(path, 'node_modules');
    if (existsSync(nested)) yield* installed(nested);
  }
}

function describe(path: string): Package {
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Package;
  if (typeof license !== 'string') throw new Error(`${path}/package.json names no licence`);
  const file = readdirSync(path).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  return { name, version, license, text: file === undefined ? null : readFileSync(join(path, file), 'utf8') };
}
