import { expect } from 'vitest';
import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

pageSuite('panel-fastapi', {
  preset: 'panel-fastapi',
  start: () =>
    startPython({
      part: 'nicegui',
      program: 'uvicorn',
      args: ['panel_app:app', '--port', '{port}'],
      probe: '/up',
      path: '/panel',
    }),
  socket: '/panel/ws',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.getByRole('textbox').fill(String(turn));
    await page.keyboard.press('Enter');
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
  },
  // The page looks as before, and nothing that is done there has an answer.
  dead: async (page) => {
    await page.getByRole('textbox').fill('999');
    await page.keyboard.press('Enter');
    expect(await page.getByText('answer 999', { exact: true }).isVisible()).toBe(false);
  },
});
