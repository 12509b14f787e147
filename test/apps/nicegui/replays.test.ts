import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';

const start = () => startPython({ part: 'nicegui', program: 'python', args: ['nicegui_app.py', '{port}'], probe: '/' });

replaySuite('nicegui', {
  preset: 'uvicorn',
  start,
  replays: [
    { report: 'zauberzeug/nicegui#245', about: 'the page', target: '/', headOnly: true, status: 200 },
    {
      report: 'zauberzeug/nicegui#386',
      about: 'Socket.IO without a WebSocket',
      target: '/_nicegui_ws/socket.io/?EIO=4&transport=polling&client_id=1',
      headOnly: true,
      status: 200,
    },
    {
      report: 'zauberzeug/nicegui#2468',
      about: 'Socket.IO with one',
      target: '/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=1',
      lines: [...upgrade, `Origin: http://${host}`],
      status: 101,
    },
    {
      report: 'zauberzeug/nicegui#787',
      about: 'an upload to nobody',
      method: 'POST',
      target: '/_nicegui/client/x/upload/1',
      body: 'x',
      status: 404,
    },
    {
      report: 'zauberzeug/nicegui#6103',
      about: 'polling of a session that is not there',
      method: 'POST',
      target: '/_nicegui_ws/socket.io/?EIO=4&transport=polling&sid=nobody',
      lines: ['Content-Type: text/plain;charset=UTF-8', `Origin: http://${host}`],
      body: '2',
      status: 400,
    },
    {
      report: 'zauberzeug/nicegui#1262',
      about: 'Socket.IO of another origin',
      target: '/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=1',
      lines: [...upgrade, 'Origin: http://elsewhere.test'],
      status: 101,
    },
    {
      report: 'zauberzeug/nicegui#5987',
      about: 'a module that the browser asks for without cookies',
      target: '/_nicegui/3.18.0/static/nicegui.js',
      lines: ['Sec-Fetch-Mode: cors', `Origin: http://${host}`, 'Accept-Encoding: gzip, deflate, br, zstd'],
      status: 200,
    },
    {
      report: 'zauberzeug/nicegui#5760',
      about: 'a part of a module',
      target: '/_nicegui/3.18.0/static/nicegui.js',
      lines: ['Range: bytes=0-9'],
      status: 206,
    },
    {
      report: 'zauberzeug/nicegui#5409',
      about: 'a module, which the browser has already',
      target: '/_nicegui/3.18.0/static/nicegui.js',
      lines: ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT'],
      status: 304,
    },
  ],
});

replaySuite('nicegui behind an ingress', {
  preset: 'uvicorn',
  start,
  trusted: true,
  replays: [
    {
      report: 'zauberzeug/nicegui#5154',
      about: 'the page knows the path that the ingress has cut off',
      target: '/',
      lines: ['X-Forwarded-Prefix: /sub/path', `X-Forwarded-Host: ${host}`, 'X-Forwarded-Proto: https'],
      status: 200,
    },
  ],
});
