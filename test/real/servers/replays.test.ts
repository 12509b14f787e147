/** uvicorn and Tornado behind Sluice, by what people reported of answers without a body and of redirects. */
import { afterAll, beforeAll, describe } from 'vitest';
import { host, type Replay, testReplays } from '../harness/replay.ts';
import { Sluice } from '../harness/sluice.ts';
import { type PythonApp, startApp } from './python-app.ts';

const fastapi: readonly Replay[] = [
  { report: 'Kludex/uvicorn#787', about: 'a 404 in chunks, of which there are none', target: '/absent', status: 404 },
  ...[204, 304].map((status) => ({
    report: 'Kludex/starlette#1764',
    about: `an answer that can have no body, ${status}`,
    target: `/nothing/${status}`,
    status,
  })),
  {
    report: 'fastapi/fastapi#4990',
    about: 'a slash too many leads to the host that was asked',
    target: '/page/?a=1&b=%2F',
    lines: [`Origin: http://${host}`],
    status: 307,
  },
];

const tornado: readonly Replay[] = [204, 304].flatMap((status) =>
  ['', '?flush=yes'].map((query) => ({
    report: 'tornadoweb/tornado#1736',
    about: `an answer that can have no body, ${status}${query}`,
    target: `/nothing/${status}${query}`,
    status,
  })),
);

describe.each([
  ['fastapi', fastapi],
  ['tornado', tornado],
] as const)('%s', (name, replays) => {
  let app: PythonApp;
  let sluice: Sluice;

  beforeAll(async () => {
    app = await startApp(name);
    const upstream = `http://127.0.0.1:${app.ports.default}`;
    sluice = await Sluice.start({ routes: [{ name, upstream, preset: name }] });
  });

  afterAll(async () => {
    await sluice?.stop();
    await app?.[Symbol.asyncDispose]();
  });

  testReplays(() => ({ direct: app.ports.default!, relayed: sluice.port }), replays);
});
