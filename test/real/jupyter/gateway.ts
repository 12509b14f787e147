/** Sluice before a Jupyter server, configured as the documentation says. */
import { Sluice, type SluiceOptions } from '../harness/sluice.ts';
import type { JupyterServer } from './jupyter-server.ts';

/** Starts Sluice with one route, `jupyter`; `settings` are keys of the route. */
export function sluiceBefore(
  server: JupyterServer,
  settings: Readonly<Record<string, unknown>> = {},
  options: SluiceOptions = {},
): Promise<Sluice> {
  return Sluice.start({ routes: [{ name: 'jupyter', upstream: server.url, preset: 'jupyter', ...settings }] }, options);
}
