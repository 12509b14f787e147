/** JupyterLab's server behind Sluice, by what people reported of it behind other proxies. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { host, testReplays } from '../harness/replay.ts';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';

let server: JupyterServer;
let sluice: Sluice;

beforeAll(async () => {
  server = await JupyterServer.lab();
  mkdirSync(join(server.directory, 'a b'));
  for (const name of ['a b/c d.txt', 'a b/ü%20+#[x].txt', 'x;y.txt', 'up.txt']) {
    writeFileSync(join(server.directory, name), `this is ${name}`);
  }
  writeFileSync(join(server.directory, 'large.bin'), Buffer.alloc(3e6, 'x'));
  server.writeNotebook(
    'large.ipynb',
    Array.from({ length: 200 }, (_, i) => `# ${'x'.repeat(20_000)} ${i}`),
  );
  sluice = await sluiceBefore(server);
});

afterAll(async () => {
  await sluice?.stop();
  await server?.stop();
});

const signed = `Authorization: token ${token}`;
const lines = [signed];
const content = JSON.stringify({ type: 'file', format: 'text', content: 'x'.repeat(2e6) });
const cookies = Array.from({ length: 10 }, (_, i) => `session${i}=${'v'.repeat(4080)}`);
const uploads = { method: 'PUT', target: '/api/contents/up.txt', body: content, headOnly: true, status: 200 } as const;

testReplays(
  () => ({ direct: server.port, relayed: sluice.port }),
  [
    ...['/api/contents/a%20b/c%20d.txt', '/api/contents/a%20b%2Fc%20d.txt', '/files/x;y.txt', '/files/x%3By.txt'].map(
      (target) => ({ report: 'jupyter/notebook#5318', about: `a name, ${target}`, target, lines, status: 200 }),
    ),
    {
      report: 'jupyter/notebook#5318',
      about: 'a download whose name is beyond ASCII and has been escaped twice',
      target: '/files/a%20b/%C3%BC%2520%2B%23%5Bx%5D.txt?download=1',
      lines,
      status: 200,
    },
    { report: 'jupyter/notebook#966', about: 'HEAD', method: 'HEAD', target: '/files/large.bin', lines, status: 200 },
    ...[
      ['bytes=0-99', 206],
      ['bytes=2999990-', 206],
      ['bytes=-5', 206],
      ['bytes=9999999-', 416],
    ].map(([range, status]) => ({
      report: 'jupyter/notebook#2620',
      about: `a part of a large file, ${range}`,
      target: '/files/large.bin',
      lines: [signed, `Range: ${range}`],
      status: Number(status),
    })),
    {
      report: 'jupyter/notebook#2620',
      about: 'a notebook of 4 MB, packed',
      target: '/api/contents/large.ipynb',
      lines: [signed, 'Accept-Encoding: gzip'],
      status: 200,
    },
    { report: 'jupyter/notebook#5879', about: 'an upload of 2 MB', ...uploads, lines },
    { report: 'jupyter/notebook#5879', about: 'an upload in chunks', ...uploads, chunked: true, lines },
    {
      report: 'jupyter/notebook#5879',
      about: 'an upload that waits to be told',
      ...uploads,
      lines: [signed, 'Expect: 100-continue'],
    },
    {
      report: 'jupyterhub/the-littlest-jupyterhub#273',
      about: 'a page of another origin',
      method: 'POST',
      target: '/api/kernels',
      lines: ['Origin: http://elsewhere.test'],
      body: '{}',
      status: 404,
    },
    {
      report: 'jupyterlab/jupyterlab#15990',
      about: 'ten cookies of 4 KB, in ten lines',
      target: '/api/terminals',
      lines: [signed, ...cookies.map((cookie) => `Cookie: ${cookie}`)],
      status: 200,
    },
    {
      report: 'jupyterlab/jupyterlab#15990',
      about: 'ten cookies of 4 KB, in one line',
      target: '/api/terminals',
      lines: [signed, `Cookie: ${cookies.join('; ')}`],
      status: 200,
    },
    { report: 'jupyterlab/jupyterlab#13764', about: 'a redirect stays on its host', target: '/', status: 302 },
    {
      report: 'jupyterlab/jupyterlab#11393',
      about: 'what a browser has already is not sent',
      target: '/static/favicons/favicon.ico',
      lines: ['If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT', `Referer: http://${host}/lab`],
      status: 304,
    },
  ],
);
