import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

/** Callbacks are HTTP requests. */
pageSuite('dash', {
  preset: 'dash',
  start: () =>
    startPython({ part: 'dash', program: 'python', args: ['dash_app.py', '{port}'], probe: '/_dash-layout' }),
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.locator('#number').fill(String(turn));
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
});
