import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

/** Socket.IO on uvicorn: its own limit of 1 000 000 characters is the stricter one, with Sluice or without. */
pageSuite('nicegui', {
  preset: 'uvicorn',
  start: () => startPython({ part: 'nicegui', program: 'python', args: ['nicegui_app.py', '{port}'], probe: '/' }),
  socket: '/socket.io/',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    // A page that was without its server for more than three seconds loads itself anew, and forgets what was typed
    // meanwhile.
    for (let tried = 0; tried < 10; tried++) {
      await page.getByRole('textbox').fill(String(turn));
      const answer = page.getByText(`answer ${turn}`, { exact: true });
      if (
        await answer.waitFor({ timeout: 5000 }).then(
          () => true,
          () => false,
        )
      )
        return;
    }
    throw new Error('the page does not answer');
  },
});
