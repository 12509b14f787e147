import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratchDirectory, venvProgram } from '../../real/harness/paths.ts';
import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';
import { notebook } from './notebook.ts';

replaySuite('voila', {
  preset: 'voila',
  start: () =>
    startPython({
      part: 'jupyter',
      program: 'voila',
      args: [notebook(), '--no-browser', '--port={port}', '--Voila.ip=127.0.0.1', '--Voila.base_url=/v/'],
      probe: '/v/voila/static/voila.js',
    }),
  replays: [
    { report: 'voila-dashboards/voila#891', about: 'a page below a path', target: '/v/', headOnly: true, status: 200 },
    {
      report: 'voila-dashboards/voila#576',
      about: 'its script, packed',
      target: '/v/voila/static/voila.js',
      lines: ['Accept-Encoding: gzip'],
      status: 200,
    },
    { report: 'voila-dashboards/voila#110', about: 'what is not below the path', target: '/', status: 404 },
    {
      report: 'voila-dashboards/voila#891',
      about: 'a file beside the notebook',
      target: '/v/voila/files/a%20b',
      status: 403,
    },
    {
      report: 'voila-dashboards/voila#721',
      about: 'a socket of a kernel that has gone',
      target: '/v/api/kernels/c81e8312-e858-479a-b368-b82f9eaca6d1/channels?session_id=86eea783',
      lines: [...upgrade, `Origin: http://${host}`],
      headOnly: true,
      status: 404,
    },
    {
      report: 'voila-dashboards/voila#1123',
      about: 'a kernel that has gone',
      target: '/v/api/kernels/c81e8312-e858-479a-b368-b82f9eaca6d1',
      headOnly: true,
      status: 404,
    },
    {
      report: 'voila-dashboards/voila#576',
      about: 'its script, which the browser has already',
      target: '/v/voila/static/voila.js',
      lines: ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'],
      status: 304,
    },
  ],
});

/** Where a server is told of one that it is to start and to stand before, at `/echo/`. */
function settings(): string {
  const folder = scratchDirectory('server-proxy');
  const command = [
    venvProgram('apps-jupyter', 'python'),
    fileURLToPath(new URL('echo_app.py', import.meta.url)),
    '{port}',
  ];
  const config = { ServerProxy: { servers: { echo: { command, timeout: 90 } } } };
  writeFileSync(join(folder, 'jupyter_server_config.json'), JSON.stringify(config));
  return folder;
}

replaySuite('jupyter-server-proxy', {
  preset: 'jupyter-server-proxy',
  start: () =>
    startPython({
      part: 'jupyter',
      program: 'jupyter',
      args: [
        ...['server', '--allow-root', '--no-browser', '--ServerApp.ip=127.0.0.1', '--ServerApp.port={port}'],
        ...['--ServerApp.port_retries=0', '--IdentityProvider.token='],
      ],
      probe: '/api/status',
      env: { JUPYTER_CONFIG_DIR: settings() },
    }),
  replays: [
    ...(
      [
        ['jupyterhub/jupyter-server-proxy#185', 'node_modules/@org/package.js'],
        ['jupyterhub/jupyter-server-proxy#138', 'a%20b?c=d%20e'],
        ['jupyterhub/jupyter-server-proxy#510', 'a%2Fb'],
      ] as const
    ).map(([report, name]) => ({ report, about: `a name, ${name}`, target: `/echo/target/${name}`, status: 200 })),
    ...['/there', 'there', 'http://elsewhere.test/echo/'].map((to) => ({
      report: 'jupyterhub/jupyter-server-proxy#592',
      about: `a redirect to ${to}`,
      target: `/echo/away?to=${encodeURIComponent(to)}`,
      status: 302,
    })),
  ],
});
