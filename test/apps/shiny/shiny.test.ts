import type { Page } from 'playwright-core';
import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

const MiB = 1024 * 1024;

/** A grey page that says that it has been disconnected; a reload makes a new session. */
const grey = (page: Page) => page.locator('#shiny-disconnected-overlay').waitFor({ state: 'attached' });

pageSuite('shiny', {
  preset: 'shiny',
  start: () =>
    startPython({ part: 'shiny', program: 'shiny', args: ['run', 'shiny_app.py', '--port', '{port}'], probe: '/' }),
  socket: '/websocket/',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.evaluate(`Shiny.setInputValue('n', ${turn})`);
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
  limit: {
    bytes: 16 * MiB,
    message: `'{"method":"update","data":{"padding":"' + 'x'.repeat(bytes - 41) + '"}}'`,
    directCode: 1009,
  },
  afterTooMuch: grey,
  dead: grey,
});
