/** Sluice before a Jupyter server, configured as the documentation says. */
import { Sluice, type SluicePorts } from '../harness/sluice.ts';
import type { JupyterServer } from './jupyter-server.ts';

/** Starts Sluice with one route, `jupyter`; `settings` are keys of the route. */
export function sluiceBefore(
  server: JupyterServer,
  settings: Readonly<Record<string, unknown>> = {},
  ports: SluicePorts = {},
): Promise<Sluice> {
  return Sluice.start({ routes: [{ name: 'jupyter', upstream: server.url, preset: 'jupyter', ...settings }] }, ports);
}
