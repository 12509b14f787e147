import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';

/** What the page sends when its input has changed. */
function callback(value: string): string {
  return JSON.stringify({
    output: 'answer.children',
    outputs: { id: 'answer', property: 'children' },
    inputs: [{ id: 'number', property: 'value', value }],
    changedPropIds: ['number.value'],
  });
}

replaySuite('dash', {
  preset: 'dash',
  start: () =>
    startPython({ part: 'dash', program: 'python', args: ['dash_app.py', '{port}'], probe: '/_dash-layout' }),
  replays: [
    {
      report: 'plotly/dash#1665',
      about: 'the layout',
      target: '/_dash-layout',
      lines: ['Accept-Encoding: gzip'],
      status: 200,
    },
    { report: 'plotly/dash#289', about: 'the dependencies', target: '/_dash-dependencies', status: 200 },
    {
      report: 'plotly/dash#626',
      about: 'a callback, which must stay a POST with its body',
      method: 'POST',
      target: '/_dash-update-component',
      lines: ['Content-Type: application/json'],
      body: callback('7'),
      status: 200,
    },
    { report: 'plotly/dash#421', about: 'a page of many', target: '/a/b%2Fc?d=%2F', headOnly: true, status: 200 },
    {
      report: 'plotly/dash#2869',
      about: 'a file of 12 MB in a callback',
      method: 'POST',
      target: '/_dash-update-component',
      lines: ['Content-Type: application/json'],
      body: callback('7'.repeat(12_000_000)),
      headOnly: true,
      status: 200,
    },
    {
      report: 'plotly/dash#2869',
      about: 'a file of 12 MB in a callback, in chunks',
      method: 'POST',
      target: '/_dash-update-component',
      lines: ['Content-Type: application/json'],
      body: callback('7'.repeat(12_000_000)),
      chunked: true,
      headOnly: true,
      status: 200,
    },
    {
      report: 'plotly/dash-docs#792',
      about: 'a callback that nobody has',
      method: 'POST',
      target: '/_dash-update-component',
      lines: ['Content-Type: application/json'],
      body: '{}',
      headOnly: true,
      status: 500,
    },
    {
      report: 'plotly/dash#3281',
      about: 'whether it is alive',
      method: 'HEAD',
      target: '/',
      headOnly: true,
      status: 200,
    },
    {
      report: 'plotly/dash#3813',
      about: 'a script of its components, which the browser has already',
      target: '/_dash-component-suites/dash/dcc/async-upload.js',
      lines: ['If-None-Match: *'],
      status: 200,
    },
  ],
});

replaySuite('dash on FastAPI, below a path', {
  preset: 'dash',
  start: () =>
    startPython({
      part: 'dash',
      program: 'uvicorn',
      args: ['dash_app:server', '--host', '127.0.0.1', '--port', '{port}'],
      probe: '/proxied/_dash-layout',
      env: { CALLBACKS: 'websocket', DASH_URL_BASE_PATHNAME: '/proxied/' },
    }),
  replays: [
    { report: 'plotly/dash#3813', about: 'the page', target: '/proxied/', headOnly: true, status: 200 },
    { report: 'plotly/dash#3813', about: 'what is not below the path', target: '/', headOnly: true, status: 200 },
    {
      report: 'plotly/dash#3813',
      about: 'a socket below the path',
      target: '/proxied/_dash-ws-callback',
      lines: [...upgrade, `Origin: http://${host}`],
      status: 101,
    },
    {
      report: 'plotly/dash#3813',
      about: 'a socket of another origin',
      target: '/proxied/_dash-ws-callback',
      lines: [...upgrade, 'Origin: http://elsewhere.test'],
      status: 403,
    },
  ],
});
