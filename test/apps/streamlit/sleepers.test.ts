import { floodEnvironment, SleepyClient, sleeperSuite } from '../../real/harness/sleepers.ts';
import { startPython } from '../harness/python-server.ts';

const flags = ['--server.address=127.0.0.1', '--server.headless=true', '--browser.gatherUsageStats=false'];

sleeperSuite({
  streamlit: {
    preset: 'streamlit',
    start: () =>
      startPython({
        part: 'streamlit',
        program: 'streamlit',
        args: ['run', 'flood_app.py', '--server.port={port}', ...flags],
        probe: '/_stcore/health',
        env: floodEnvironment,
      }),
    async ask(port) {
      const client = await SleepyClient.open(`ws://127.0.0.1:${port}/_stcore/stream`, ['streamlit']);
      // A BackMsg whose `rerun_script` says nothing.
      client.send(Uint8Array.of(0x5a, 0));
      return client;
    },
  },
});
