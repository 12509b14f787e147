import { pullDocument } from '../../real/bokeh/pull-document.ts';
import { floodEnvironment, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

sleeperSuite({
  'panel-fastapi': {
    preset: 'panel-fastapi',
    start: () =>
      startPython({
        part: 'nicegui',
        program: 'uvicorn',
        args: ['panel_flood_app:app', '--port', '{port}'],
        probe: '/up',
        env: floodEnvironment,
      }),
    ask: (port) => pullDocument(`http://127.0.0.1:${port}/panel`),
  },
});
