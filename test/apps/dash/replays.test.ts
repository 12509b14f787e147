import { startPython } from '../harness/python-server.ts';
import { replaySuite } from '../harness/replay-suite.ts';

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
      body: JSON.stringify({
        output: 'answer.children',
        outputs: { id: 'answer', property: 'children' },
        inputs: [{ id: 'number', property: 'value', value: '7' }],
        changedPropIds: ['number.value'],
      }),
      status: 200,
    },
    { report: 'plotly/dash#421', about: 'a page of many', target: '/a/b%2Fc?d=%2F', headOnly: true, status: 200 },
  ],
});
