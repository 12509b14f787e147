import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { rawClient } from '../helpers/raw-client.ts';
import { Serve } from '../helpers/serve.ts';

test('SIGUSR1 opens no debugger and SIGUSR2 ends nothing', async () => {
  await using upstream = await fakeUpstream();
  const { serve, port, adminPort } = await Serve.start(upstream);
  await using _ = serve;
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) serve.process.kill(signal);
  // SIGHUP comes behind them, and is answered.
  serve.process.kill('SIGHUP');
  const { socket } = await rawClient(port);
  expect((await fetch(`http://127.0.0.1:${adminPort}/healthz`)).status).toBe(200);
  // Where the debugger listens unless it is told otherwise.
  await expect(fetch('http://127.0.0.1:9229/json/version')).rejects.toThrow('fetch failed');
  expect(serve.process.exitCode).toBeNull();
  socket.destroy();
});
