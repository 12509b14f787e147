/** `panel serve` behind Sluice, by what people reported of it and of Bokeh behind other proxies. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { scratchDirectory, venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { host, testReplays, upgrade } from '../harness/replay.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';
import { Sluice } from '../harness/sluice.ts';

let port: number;
let server: ServerProcess;
let sluice: Sluice;

beforeAll(async () => {
  const folder = scratchDirectory('panel');
  writeFileSync(join(folder, 'app.py'), 'import panel as pn\npn.extension()\npn.panel("hello").servable()\n');
  port = await freePort();
  const flags = ['--prefix', '/my/panel', '--allow-websocket-origin', host, '--use-xheaders'];
  server = await ServerProcess.start({
    name: 'panel',
    command: venvProgram('modern', 'panel'),
    args: ['serve', 'app.py', '--port', String(port), '--address', '127.0.0.1', ...flags],
    cwd: folder,
    env: { HOME: folder },
    ready: answers(`http://127.0.0.1:${port}/my/panel/app`),
  });
  sluice = await Sluice.start({
    routes: [{ name: 'panel', match: { path: '/my/panel' }, upstream: `http://127.0.0.1:${port}`, preset: 'panel' }],
  });
});

afterAll(async () => {
  await sluice?.stop();
  await server?.stop();
});

testReplays(
  () => ({ direct: port, relayed: sluice.port }),
  [
    // Its body holds a token with the request's headers in it.
    ...['/my/panel/app', '/my/panel/app?a=1&b=%2F&c=%C3%BC'].map((target) => ({
      report: 'holoviz/panel#1851',
      about: `a page below a prefix, ${target}`,
      target,
      headOnly: true,
      status: 200,
    })),
    {
      report: 'holoviz/panel#1851',
      about: 'the style of an extension, below a prefix',
      target: '/my/panel/static/extensions/panel/css/loading.css',
      status: 200,
    },
    {
      report: 'holoviz/panel#1851',
      about: 'a script, packed',
      target: '/my/panel/static/js/bokeh.min.js',
      lines: ['Accept-Encoding: gzip'],
      status: 200,
    },
    {
      report: 'holoviz/panel#1851',
      about: 'a part of a script',
      target: '/my/panel/static/js/bokeh.min.js',
      lines: ['Range: bytes=10-20'],
      status: 206,
    },
    {
      report: 'holoviz/panel#6945',
      about: 'a script of Panel itself, which stands below those of Bokeh',
      target: '/my/panel/static/extensions/panel/panel.min.js',
      lines: ['Accept-Encoding: gzip'],
      status: 200,
    },
    {
      report: 'bokeh/bokeh#14768',
      about: 'a page that shows the app of another host',
      target: `/my/panel/app/autoload.js?bokeh-autoload-element=1&bokeh-absolute-url=http://${host}/my/panel/app`,
      lines: ['Origin: http://elsewhere.test'],
      headOnly: true,
      status: 200,
    },
    {
      report: 'bokeh/bokeh#3692',
      about: 'a socket of an origin that is not allowed',
      target: '/my/panel/app/ws',
      lines: [...upgrade, 'Origin: http://elsewhere.test', 'Sec-WebSocket-Protocol: bokeh, token'],
      status: 403,
    },
    {
      report: 'bokeh/bokeh#11301',
      about: 'a token of 40 KB among the subprotocols',
      target: '/my/panel/app/ws',
      lines: [...upgrade, `Origin: http://${host}`, `Sec-WebSocket-Protocol: bokeh, ${'t'.repeat(40_000)}`],
      status: 101,
    },
  ],
);
