/**
 * JupyterHub's Helm chart with our values. The chart comes from a site of its own (hub.jupyter.org/helm-chart) and is
 * in no registry that a build fetches from (npm, PyPI, Debian, Go), and what others wrote is not copied here: so these
 * are the arguments that its template (templates/proxy/deployment.yaml, of July 2026) rendered with them, by Helm 3.22,
 * as it is, with `proxy.https.enabled` and with `debug.enabled`.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { type HubProxyFlags, readFlags } from '../../../../src/cli/hub-proxy/flags.ts';
import { loadFiles } from '../../../../src/config/live/read.ts';

const path = new URL('../../../../config/jupyterhub/z2jh-values.yaml', import.meta.url);
const { chp } = parse(readFileSync(path, 'utf8')).proxy;
const hub = 'http://hub:8081';
const always = ['--ip=', '--api-ip=', '--api-port=8001', `--default-target=${hub}`, `--error-target=${hub}/hub/error`];
const https = [
  ...['--port=8443', '--redirect-port=8000', '--redirect-to=443'],
  ...['--ssl-key=/etc/chp/tls/tls.key', '--ssl-cert=/etc/chp/tls/tls.crt'],
];

test.each([
  ['as it is', ['--port=8000'], 8000],
  ['with https', https, 8443],
  ['with debugging and hosts', ['--port=8000', '--log-level=debug', '--host-routing'], 8000],
])('starts Sluice, %s', (_what, more, port) => {
  expect(chp.command.at(-1)).toBe('hub-proxy');
  const flags = readFlags([...always, ...more, ...chp.extraCommandLineFlags], '::') as HubProxyFlags;
  expect(flags).toMatchObject({ defaultTarget: hub, metrics: '[::]:9090' });
  const loaded = loadFiles([], { flags: flags.settings, setBy: flags.setBy, usual: {} });
  if ('errors' in loaded) throw new Error(loaded.errors.map(({ message }) => message).join('\n'));
  const { listen, routesApi } = loaded.config;
  expect(listen.address).toMatchObject({ port });
  expect(routesApi!.address).toMatchObject({ host: '::', port: 8001 });
  expect(routesApi!.errors).toEqual({ target: `${hub}/hub/error` });
});
