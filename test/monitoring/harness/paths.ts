/** Where things are. */
import { join } from 'node:path';
import { root } from '../../real/harness/paths.ts';

/** The rules that are shipped. */
export const rulesFile: string = join(root, 'helm/sluice/files/rules/alerts.yaml');

/** A program of Prometheus, as run.sh unpacks it. */
export function bin(name: 'prometheus' | 'promtool'): string {
  return join(root, '.cache/prometheus/usr/bin', name);
}
