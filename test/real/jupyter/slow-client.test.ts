import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peakResidentBytes } from '../harness/process-memory.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer } from './jupyter-server.ts';
import { KernelClient } from './kernel-client.ts';

const MB = 1_000_000;
const emit = (count: number): string =>
  `for i in range(${count}):\n    display({'text/plain': f'{i} ' + 'x' * 1_000_000}, raw=True)`;
const piece = (i: number): string => `${i} ${'x'.repeat(MB)}`;

describe('a client that stops reading while its kernel emits', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab({ unlimitedOutput: true });
  });
  afterAll(() => server?.stop());

  it('gets all 200 MB in order after 10 s, and Sluice has held next to nothing of it', async () => {
    await using sluice = await sluiceBefore(server);
    await using client = await KernelClient.start(sluice.url);
    const warm = client.run(emit(20));
    await warm.done;
    const before = await peakResidentBytes(sluice.process.pid);

    const run = client.run(emit(200));
    await run.shown((text) => text !== '');
    client.current.socket.pause();
    const seen = run.outputs.length;
    // A kernel on a busy machine takes its time to fill what is between them.
    const paused = { route: 'jupyter', sender: 'upstream' };
    await expect.poll(() => sluice.metric('paused_connections', paused)).toBe(1);
    // The pause is what is being tested, not a wait for something.
    await delay(10_000);
    expect(run.outputs.length - seen).toBeLessThan(20);
    expect(await sluice.metric('paused_connections', paused)).toBe(1);
    expect(await sluice.metric('buffered_bytes', paused)).toBeLessThan(MB);
    client.current.socket.resume();
    await run.done;

    expect(run.outputs).toHaveLength(200);
    for (const [i, output] of run.outputs.entries()) expect(output === piece(i), `output ${i}`).toBe(true);
    expect(client.sockets).toHaveLength(1);
    const growth = (await peakResidentBytes(sluice.process.pid)) - before;
    console.log(`peak resident memory of Sluice grew by ${(growth / MB).toFixed(1)} MB while 200 MB passed`);
    expect(growth).toBeLessThan(32 * MB);
  });

  it('is closed as a slow receiver after max_pause, and comes back', async () => {
    await using sluice = await sluiceBefore(server, { limits: { upstream: { max_pause: '3s' } } });
    await using client = await KernelClient.start(sluice.url);
    const run = client.run(emit(60));
    await run.shown((text) => text !== '');
    client.current.socket.pause();
    const end = await sluice.logged({ event: 'end', reason: 'slow_receiver', closed_by: 'sluice' });
    expect(end).toMatchObject({ sender: 'upstream', limit: { name: 'max_pause', configured: 3_000 } });
    expect(end.undelivered_bytes).toBeGreaterThan(0);
    const violated = { route: 'jupyter', sender: 'upstream', limit: 'max_pause', action: 'close' };
    expect(await sluice.metric('limit_violations_total', violated)).toBe(1);

    const first = client.current;
    first.socket.resume();
    // Where no frame boundary came in time there is no close frame, only a reset.
    expect([1006, 1013]).toContain((await first.closed).code);
    await client.connection('connected');
    const next = client.run('print(6 * 7)');
    await next.done;
    expect(next.lines).toEqual(['42']);
  });
});
