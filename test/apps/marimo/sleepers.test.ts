import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { flood, SleepyClient, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

/** A notebook of cells, each with one piece. */
function notebook(): string {
  const cell = (number: number) =>
    `@app.cell\ndef _(mo):\n    mo.Html("piece ${number} " + "x" * ${flood.bytes})\n    return\n\n\n`;
  const first =
    'import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    import marimo as mo\n    return (mo,)\n\n\n';
  const path = join(scratchDirectory('marimo'), 'flood.py');
  const cells = Array.from({ length: flood.pieces }, (_, number) => cell(number)).join('');
  writeFileSync(path, `${first}${cells}if __name__ == "__main__":\n    app.run()\n`);
  return path;
}

sleeperSuite({
  marimo: {
    preset: 'marimo',
    start: () =>
      startPython({
        part: 'marimo',
        program: 'marimo',
        args: ['-q', 'run', notebook(), '--host', '127.0.0.1', '--port', '{port}', '--headless', '--no-token'],
        probe: '/health',
      }),
    ask: (port) => SleepyClient.open(`ws://127.0.0.1:${port}/ws?session_id=s_${randomUUID().slice(0, 6)}`),
  },
});
