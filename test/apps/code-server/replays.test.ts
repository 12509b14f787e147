import { host, upgrade } from '../../real/harness/replay.ts';
import { replaySuite } from '../harness/replay-suite.ts';
import { startCodeServer } from './server.ts';

const name = host.replace(/:.*/, '');
const socket = { target: '/stable-0123/?reconnectionToken=1&reconnection=false&skipWebSocketFrames=false' } as const;

replaySuite('code-server', {
  preset: 'code-server',
  start: () => startCodeServer(),
  replays: [
    { report: 'coder/code-server#4607', about: 'the page', target: '/', status: 302 },
    {
      report: 'coder/code-server#4607',
      about: 'the page of a folder',
      target: '/?folder=/a%20b',
      headOnly: true,
      status: 200,
    },
    {
      report: 'coder/code-server#6161',
      about: 'a socket whose Host and Origin have a port',
      ...socket,
      lines: [...upgrade, `Origin: http://${host}`],
      status: 101,
    },
    {
      report: 'coder/code-server#6161',
      about: 'a socket whose Origin has none',
      ...socket,
      lines: [...upgrade, `Origin: http://${name}`],
      status: 403,
    },
    {
      report: 'coder/code-server#2106',
      about: 'its service worker and the scope that it may have',
      target: '/_static/out/browser/serviceWorker.js',
      status: 200,
    },
    {
      report: 'coder/code-server#4477',
      about: 'what a browser asks of an app that can be installed',
      target: '/manifest.json',
      lines: ['Sec-Fetch-Dest: manifest'],
      status: 200,
    },
    {
      report: 'coder/code-server#1453',
      about: 'a port behind it',
      target: '/proxy/{port}/healthz',
      status: 200,
    },
    {
      report: 'coder/code-server#5119',
      about: 'a port behind it, without its slash',
      target: '/proxy/{port}',
      status: 302,
    },
    {
      report: 'coder/code-server#5723',
      about: 'a port where nobody listens',
      target: '/proxy/1/',
      status: 500,
    },
  ],
});

replaySuite('code-server with a password', {
  preset: 'code-server',
  start: () => startCodeServer('password'),
  replays: [
    { report: 'coder/code-server#630', about: 'a stranger', target: '/?folder=/a', status: 302 },
    {
      report: 'coder/code-server#1082',
      about: 'a login',
      method: 'POST',
      target: '/login?folder=%2Fa&to=%2F',
      lines: ['Content-Type: application/x-www-form-urlencoded'],
      body: 'password=secret&base=.&href=',
      status: 302,
    },
    { report: 'coder/code-server#4712', about: 'a logout', target: '/logout?base=.', status: 302 },
    {
      report: 'coder/code-server#1507',
      about: 'a socket without its cookie',
      ...socket,
      lines: [...upgrade, `Origin: http://${host}`],
      status: 401,
    },
  ],
});

replaySuite('code-server behind an ingress', {
  preset: 'code-server',
  trusted: true,
  start: () => startCodeServer(),
  replays: [
    {
      report: 'coder/code-server#6023',
      about: 'a socket whose X-Forwarded-Host is the name that people type',
      ...socket,
      lines: [...upgrade, 'Origin: https://ide.test', 'X-Forwarded-Host: ide.test', 'X-Forwarded-Proto: https'],
      status: 101,
    },
    {
      report: 'linuxserver/docker-code-server#145',
      about: 'a socket whose X-Forwarded-Host has a port more',
      ...socket,
      lines: [...upgrade, 'Origin: https://ide.test', 'X-Forwarded-Host: ide.test:443', 'X-Forwarded-Proto: https'],
      status: 403,
    },
    {
      report: 'coder/code-server#6165',
      about: 'a socket whose Forwarded names the host',
      ...socket,
      lines: [...upgrade, 'Origin: https://ide.test', 'Forwarded: for=192.0.2.1;host=ide.test;proto=https'],
      status: 101,
    },
  ],
});
