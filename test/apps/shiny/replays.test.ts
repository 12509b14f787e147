import { host, upgrade } from '../../real/harness/replay.ts';
import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';

const handshake = [...upgrade, `Origin: http://${host}`];

replaySuite('shiny', {
  preset: 'shiny',
  start: () =>
    startPython({ part: 'shiny', program: 'shiny', args: ['run', 'shiny_app.py', '--port', '{port}'], probe: '/' }),
  replays: [
    { report: 'posit-dev/py-shiny#1486', about: 'the page', target: '/', status: 200 },
    {
      report: 'posit-dev/py-shiny#2235',
      about: 'its script',
      target: '/lib/shiny-1.8.0/shiny.js',
      lines: ['Accept-Encoding: gzip, br'],
      status: 200,
    },
    {
      report: 'posit-dev/py-shiny#2235',
      about: 'a part of its script',
      target: '/lib/shiny-1.8.0/shiny.js',
      lines: ['Range: bytes=100-199'],
      status: 206,
    },
    {
      report: 'posit-dev/py-shiny#46',
      about: 'an upload to a session that lives elsewhere',
      method: 'POST',
      target: '/session/0123456789abcdef/upload/1?w=',
      lines: ['Content-Type: application/octet-stream', `Origin: http://${host}`],
      body: 'x'.repeat(3_000_000),
      status: 404,
    },
    {
      report: 'posit-dev/py-shiny#46',
      about: 'a download of a session that lives elsewhere',
      target: '/session/0123456789abcdef/download/d?w=',
      status: 404,
    },
    {
      report: 'posit-dev/py-shiny#249',
      about: 'a socket',
      target: '/websocket/',
      lines: handshake,
      status: 101,
    },
    {
      report: 'posit-dev/py-shiny#352',
      about: 'a socket without its slash',
      target: '/websocket',
      lines: handshake,
      status: 403,
    },
    {
      report: 'posit-dev/py-shiny#352',
      about: 'what asks whether it is well',
      method: 'HEAD',
      target: '/',
      status: 200,
    },
  ],
});

const start = () =>
  startPython({
    part: 'shiny',
    program: 'solara',
    args: ['run', 'solara_app.py', '--port', '{port}', '--host', '127.0.0.1', '--no-open', '--production'],
    probe: '/',
  });

replaySuite('solara', {
  preset: 'solara',
  start,
  replays: [
    { report: 'widgetti/solara#820', about: 'the page', target: '/', headOnly: true, status: 200 },
    { report: 'widgetti/solara#655', about: 'a page of many', target: '/a/b%2Fc?d=%2F', headOnly: true, status: 404 },
    { report: 'widgetti/solara#745', about: 'whether it is ready', target: '/readyz', status: 200 },
    {
      report: 'widgetti/solara#655',
      about: 'its script, packed',
      target: '/static/main.js',
      lines: ['Accept-Encoding: gzip, br'],
      status: 200,
    },
    {
      report: 'widgetti/solara#655',
      about: 'a part of its script',
      target: '/static/main.js',
      lines: ['Range: bytes=0-9'],
      status: 206,
    },
    {
      report: 'widgetti/solara#655',
      about: 'whether its kernel lives',
      target: '/jupyter/api/kernels/bf44100d-d4aa-47ad-976f-98bec8caaf00?1716232215115',
      status: 200,
    },
    {
      report: 'widgetti/solara#121',
      about: 'a socket of nobody',
      target: '/jupyter/api/kernels/solara-id/channels?session_id=bf0ee351-0046-4db3-a854-527ed157e1b9',
      lines: handshake,
      status: 101,
    },
    {
      report: 'widgetti/solara#161',
      about: 'a page that says goodbye',
      method: 'POST',
      target: '/_solara/api/close/bf44100d-d4aa-47ad-976f-98bec8caaf00?session_id=1',
      lines: ['Content-Type: text/plain;charset=UTF-8', `Origin: http://${host}`],
      body: '',
      status: 200,
    },
  ],
});

replaySuite('solara behind an ingress', {
  preset: 'solara',
  trusted: true,
  start,
  replays: [
    {
      report: 'widgetti/solara#655',
      about: 'the page knows the path that the ingress has cut off',
      target: '/',
      lines: ['Script-Name: /valis/solara', `X-Forwarded-Host: ${host}`, 'X-Forwarded-Proto: https'],
      headOnly: true,
      status: 200,
    },
  ],
});
