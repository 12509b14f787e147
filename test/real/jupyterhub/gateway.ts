/** Sluice before a hub's proxy, configured as the documentation says. */
import { Sluice, type SluiceConfig } from '../harness/sluice.ts';
import type { Hub } from './hub.ts';

/** Starts Sluice with one route, `hub`; `settings` are keys of the route, `config` further keys of the file. */
export function sluiceBefore(
  hub: Hub,
  settings: Readonly<Record<string, unknown>> = {},
  config: Omit<SluiceConfig, 'routes'> = {},
): Promise<Sluice> {
  return Sluice.start({ ...config, routes: [{ name: 'hub', upstream: hub.url, preset: 'jupyter', ...settings }] });
}
