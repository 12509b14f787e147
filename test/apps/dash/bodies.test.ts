import { bodySuite } from '../harness/body-suite.ts';
import { startPython } from '../harness/python-server.ts';

/** What the page sends when its input has changed. */
const callback = JSON.stringify({
  output: 'answer.children',
  outputs: { id: 'answer', property: 'children' },
  inputs: [{ id: 'number', property: 'value', value: 7 }],
  changedPropIds: ['number.value'],
});

const setText = (length: number) => `dash_clientside.set_props('text', { data: 'x'.repeat(${length}) })`;

bodySuite('dash', {
  preset: 'dash',
  start: () =>
    startPython({ part: 'dash', program: 'python', args: ['dash_app.py', '{port}'], probe: '/_dash-layout' }),
  // JSON may end in spaces.
  post: (bytes) => ({ path: '/_dash-update-component', type: 'application/json', body: callback.padEnd(bytes) }),
  ready: (page) => page.getByText('answer 0').waitFor(),
  // The page says so in its console alone.
  tooMuch: async (page, limitBytes) => {
    const told = page.waitForEvent('console', (message) => message.text().includes('413'));
    await page.evaluate(setText(limitBytes));
    await told;
  },
  use: async (page) => {
    await page.evaluate(setText(1000));
    await page.getByText('1000 characters', { exact: true }).waitFor();
  },
});
