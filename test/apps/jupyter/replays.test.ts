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
  ],
});
