import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';
import { notebook } from './notebook.ts';

const MiB = 1024 * 1024;

pageSuite('voila', {
  preset: 'voila',
  start: () =>
    startPython({
      part: 'jupyter',
      program: 'voila',
      args: [notebook(), '--no-browser', '--port={port}', '--Voila.ip=127.0.0.1'],
      probe: '/voila/static/voila.js',
    }),
  socket: '/channels',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.locator('input[type=number]').fill(String(turn));
    await page.keyboard.press('Tab');
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
  // The page's first message asks the kernel who it is; the server passes over what stands behind its last part.
  limit: {
    bytes: 10 * MiB,
    message: `(() => {
      const message = new Uint8Array(bytes);
      message.set(new Uint8Array(first));
      return message;
    })()`,
    directCode: 1009,
  },
});
