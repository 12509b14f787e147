import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

const MiB = 1024 * 1024;

pageSuite('marimo', {
  preset: 'marimo',
  start: () =>
    startPython({
      part: 'marimo',
      program: 'marimo',
      args: ['-q', 'run', 'marimo_app.py', '--host', '127.0.0.1', '--port', '{port}', '--headless', '--no-token'],
      probe: '/health',
    }),
  socket: '/ws',
  ready: (page) => page.getByText('answer 0').waitFor(),
  // What the user does goes over HTTP, and what comes of it comes back over the socket.
  use: async (page, turn) => {
    await page.getByRole('textbox').fill(String(turn));
    await page.keyboard.press('Tab');
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
  back: (page) => page.getByText('You have reconnected to an existing session.', { exact: true }).waitFor(),
  // The server takes text from the page, and does nothing with it.
  limit: { bytes: 16 * MiB, message: `'x'.repeat(bytes)`, directCode: 1009 },
});
