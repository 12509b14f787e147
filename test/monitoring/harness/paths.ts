/** Where things are. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The project. */
export const root = join(import.meta.dirname, '../../..');

/** The rules that are shipped. */
export const rulesFile = join(root, 'helm/sluice/files/rules/alerts.yaml');

/** A program of Prometheus, as run.sh unpacks it. */
export function bin(name: 'prometheus' | 'promtool'): string {
  return join(root, '.cache/prometheus/usr/bin', name);
}

/** A new directory of its own under the system's temporary one. */
export function scratchDirectory(purpose: string): string {
  return mkdtempSync(join(tmpdir(), `sluice-${purpose}-`));
}
