import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

const MiB = 1024 * 1024;

pageSuite('solara', {
  preset: 'solara',
  start: () =>
    startPython({
      part: 'shiny',
      program: 'solara',
      args: ['run', 'solara_app.py', '--port', '{port}', '--host', '127.0.0.1', '--no-open', '--production'],
      probe: '/',
    }),
  socket: '/api/kernels/',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.getByRole('textbox').fill(String(turn));
    await page.keyboard.press('Tab');
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
  // The page's first message asks the kernel who it is; JSON may end in spaces.
  limit: { bytes: 16 * MiB, message: `first + ' '.repeat(bytes - first.length)`, directCode: 1009 },
});
