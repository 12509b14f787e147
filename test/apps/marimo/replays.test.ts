import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';
import { startGradio } from './gradio-server.ts';

const form =
  '--b\r\nContent-Disposition: form-data; name="files"; filename="\xc3\xbc.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n';
const json = 'Content-Type: application/json';
const signed = `Authorization: Basic ${btoa('user:secret')}`;

replaySuite('gradio', {
  preset: 'gradio',
  start: startGradio,
  replays: [
    {
      report: 'gradio-app/gradio#13600',
      about: 'the page knows its own host and port',
      target: '/config',
      status: 200,
    },
    { report: 'gradio-app/gradio#7317', about: 'the page', target: '/?__theme=dark', status: 200 },
    { report: 'gradio-app/gradio#9788', about: 'its style', target: '/theme.css', status: 200 },
    {
      report: 'gradio-app/gradio#6739',
      about: 'a click joins the queue',
      method: 'POST',
      target: '/gradio_api/queue/join',
      lines: [json, `Origin: http://${host}`],
      body: '{"data":[1],"fn_index":0,"session_hash":"replay"}',
      headOnly: true,
      status: 200,
    },
    {
      report: 'gradio-app/gradio#8074',
      about: 'a click that the queue does not know',
      method: 'POST',
      target: '/gradio_api/queue/join',
      lines: [json],
      body: '{"data":[],"fn_index":77,"session_hash":"replay"}',
      status: 500,
    },
    {
      report: 'gradio-app/gradio#5779',
      about: 'an event comes before the next exists',
      target: '/gradio_api/queue/data?session_hash=nobody',
      lines: ['Accept: text/event-stream'],
      endless: true,
      status: 200,
    },
    {
      report: 'gradio-app/gradio#7749',
      about: 'an upload whose name is beyond ASCII',
      method: 'POST',
      target: '/gradio_api/upload?upload_id=replay',
      lines: ['Content-Type: multipart/form-data; boundary=b'],
      body: form,
      status: 200,
    },
    {
      report: 'gradio-app/gradio#7749',
      about: 'what another origin may ask',
      target: '/config',
      lines: ['Origin: http://elsewhere.test'],
      status: 200,
    },
    {
      report: 'gradio-app/gradio#10741',
      about: 'an upload of 3 MB, in chunks',
      method: 'POST',
      target: '/gradio_api/upload',
      lines: ['Content-Type: multipart/form-data; boundary=b'],
      body: form.replace('hello', 'x'.repeat(3_000_000)),
      chunked: true,
      status: 200,
    },
    {
      report: 'gradio-app/gradio#6393',
      about: 'an upload that is no form',
      method: 'POST',
      target: '/gradio_api/upload',
      lines: ['Content-Type: multipart/form-data; boundary=b'],
      body: 'x'.repeat(3_000_000),
      status: 400,
    },
    {
      report: 'gradio-app/gradio#8020',
      about: 'a file that nobody may have',
      target: '/gradio_api/file=/etc/passwd',
      status: 403,
    },
    {
      report: 'gradio-app/gradio#8148',
      about: 'a part of a picture',
      target: '/static/img/logo.svg',
      lines: ['Range: bytes=0-9'],
      status: 206,
    },
    {
      report: 'gradio-app/gradio#7832',
      about: 'what asks whether it is well',
      method: 'HEAD',
      target: '/',
      status: 200,
    },
    {
      report: 'gradio-app/gradio#13366',
      about: 'the heart of a page beats',
      target: '/gradio_api/heartbeat/replay',
      lines: ['Accept: text/event-stream'],
      endless: true,
      status: 200,
    },
  ],
});

replaySuite('marimo', {
  preset: 'marimo',
  start: () =>
    startPython({
      part: 'marimo',
      program: 'marimo',
      args: [
        ...['-q', 'run', 'marimo_app.py', '--host', '127.0.0.1', '--port', '{port}', '--headless'],
        ...['--token', '--token-password', 'secret', '--base-url', '/m'],
      ],
      probe: '/m/health',
    }),
  replays: [
    {
      report: 'marimo-team/marimo#3739',
      about: 'who has no token is sent to the login of the same host',
      target: '/m/',
      status: 303,
    },
    { report: 'marimo-team/marimo#5287', about: 'a path without its slash', target: '/m', status: 307 },
    {
      report: 'marimo-team/marimo#3739',
      about: 'a login',
      method: 'POST',
      target: '/m/auth/login?next=%2Fm%2F',
      lines: ['Content-Type: application/x-www-form-urlencoded'],
      body: 'password=secret',
      status: 302,
    },
    {
      report: 'marimo-team/marimo#3350',
      about: 'a socket without a token',
      target: '/m/ws?session_id=1',
      lines: [...upgrade, `Origin: http://${host}`],
      status: 403,
    },
    {
      report: 'marimo-team/marimo#3350',
      about: 'a socket with a token and a file that is not there',
      target: '/m/ws?session_id=1&access_token=secret',
      lines: [...upgrade, `Origin: http://${host}`],
      status: 101,
    },
    {
      report: 'marimo-team/marimo#5287',
      about: 'the worker of its files and the scope that it may have',
      target: '/m/public-files-sw.js',
      lines: [signed],
      status: 200,
    },
    {
      report: 'marimo-team/marimo#5287',
      about: 'what a browser asks of an app that can be installed',
      target: '/m/manifest.json',
      lines: [signed],
      status: 200,
    },
    {
      report: 'marimo-team/marimo#5287',
      about: 'a part of its sign',
      target: '/m/favicon.ico',
      lines: [signed, 'Range: bytes=0-9'],
      status: 206,
    },
    {
      report: 'marimo-team/marimo#3739',
      about: 'a click of nobody',
      method: 'POST',
      target: '/m/api/kernel/set_ui_element_value',
      lines: [json, 'Marimo-Session-Id: s_1'],
      body: '{"objectIds":[],"values":[]}',
      status: 401,
    },
  ],
});

replaySuite('gradio behind an ingress', {
  preset: 'gradio',
  trusted: true,
  start: startGradio,
  replays: [
    {
      report: 'gradio-app/gradio#9381',
      about: 'the page knows the scheme and the name that people use',
      target: '/config',
      lines: ['X-Forwarded-Host: apps.test', 'X-Forwarded-Proto: https'],
      status: 200,
    },
    {
      report: 'gradio-app/gradio#8148',
      about: 'a style from where the page is',
      target: '/theme.css',
      lines: ['X-Forwarded-Host: apps.test', 'X-Forwarded-Proto: https', 'Accept-Encoding: gzip, br'],
      status: 200,
    },
  ],
});
