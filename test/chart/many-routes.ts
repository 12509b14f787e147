/** Values with very many routes, and how many of them the chart takes. */
import { find, type Manifest, render } from './helm.ts';

/** The most that the values of a ConfigMap may take together, as the API server counts them. */
export const configMapBytes: number = 1024 * 1024;

/**
 * Plain routes, as a program writes them: all of one length, and none with anything beside its path and its upstream.
 * `domain` is what follows the name in the upstream.
 */
export function plainRoutes(count: number, domain = '.teams.svc.cluster.local'): object {
  const routes = Array.from({ length: count }, (_, i) => {
    const team = `team-${String(i).padStart(5, '0')}`;
    return { name: team, match: { path: `/user/${team}/` }, upstream: `http://${team}${domain}:8888` };
  });
  return { config: { routes } };
}

/** What the values of a ConfigMap take. */
export function bytesOf({ data }: Manifest): number {
  return Object.values(data as Record<string, string>).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

/** The largest number of plain routes that the chart takes. */
export async function mostPlainRoutes(): Promise<number> {
  const [one, two] = await Promise.all(
    [1000, 2000].map(async (count) =>
      bytesOf(find(await render({ values: plainRoutes(count) }), 'ConfigMap', '-check')),
    ),
  );
  const each = (two! - one!) / 1000;
  const rest = one! - 1000 * each;
  // The chart leaves some room for what a text of another length brings with it.
  return Math.floor((chartBytes - rest) / each);
}

/** What the chart lets the files take. */
const chartBytes = 1_040_000;
