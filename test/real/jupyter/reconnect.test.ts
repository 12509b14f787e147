import { KernelAPI } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer } from './jupyter-server.ts';
import { KernelClient } from './kernel-client.ts';

/** One line each millisecond: whatever is lost between the close on one leg and the other's answer shows. */
const lines = Array.from({ length: 1_500 }, (_, i) => `line ${i}`);
const printing = 'import time\nfor i in range(1500):\n    print("line", i, flush=True)\n    time.sleep(0.001)';

describe('JupyterLab, cut off in the middle of an execution', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab({ unlimitedOutput: true });
  });
  afterAll(() => server?.stop());

  it('comes back after a drain and gets every line once, in order', async () => {
    await using leaving = await sluiceBefore(server);
    await using staying = await sluiceBefore(server);
    await using balancer = await LoadBalancer.start(leaving.port);
    await using client = await KernelClient.start(balancer.url);
    const run = client.run(printing);
    await run.shown((text) => text.includes('line 300\n'));

    balancer.target = staying.port;
    leaving.process.signal('SIGTERM');
    expect((await client.sockets[0]!.closed).code).toBe(1012);
    expect(run.lines.length).toBeLessThan(lines.length);
    await run.done;
    expect(run.lines).toEqual(lines);
    expect(client.sockets).toHaveLength(2);
    await leaving.logged({
      event: 'end',
      reason: 'drain',
      close_codes: { sent_to_client: 1012, sent_to_upstream: 1001 },
    });
    expect(await leaving.process.exited()).toBe(0);
    expect(await staying.metric('connections_active', { route: 'jupyter' })).toBe(1);
  });

  it('works on while a drain announces itself, and comes back to the next Sluice when its slot comes', async () => {
    const routes = [{ name: 'jupyter', upstream: server.url, preset: 'jupyter' }];
    const drain = { announce: '1s', spread: '2s', deadline: '30s' };
    await using leaving = await Sluice.start({ drain, routes });
    await using staying = await Sluice.start({ drain, routes });
    await using balancer = await LoadBalancer.start(leaving.port);
    await using client = await KernelClient.start(balancer.url);
    const run = client.run(printing.replace('0.001', '0.004'));
    await run.shown((text) => text.includes('line 100\n'));

    leaving.process.signal('SIGTERM');
    await leaving.logged({ event: 'draining', phase: 'announce', connections: 1 });
    expect((await fetch(`${leaving.adminUrl}/readyz`)).status).toBe(503);
    // Its balancer has not noticed yet: what comes now is served as before.
    expect((await KernelAPI.getKernelModel(client.kernel.id, client.settings))?.execution_state).toBe('busy');
    balancer.target = staying.port;

    expect((await client.sockets[0]!.closed).code).toBe(1012);
    await leaving.logged({ event: 'draining', phase: 'close', connections: 1 });
    await run.done;
    expect(run.lines).toEqual(lines);
    expect(client.sockets).toHaveLength(2);
    await leaving.logged({ event: 'drained', connections: 1, sent_away: 1, cut: 0 });
    expect(await leaving.process.exited()).toBe(0);
  });

  it('comes back to a Sluice started anew on the same port', async () => {
    const first = await sluiceBefore(server);
    await using client = await KernelClient.start(first.url);
    const run = client.run(printing);
    await run.shown((text) => text.includes('line 300\n'));
    first.process.signal('SIGTERM');
    await first.process.exited();
    await using _second = await sluiceBefore(server, {}, { port: first.port });
    expect((await client.sockets[0]!.closed).code).toBe(1012);
    await run.done;
    expect(run.lines).toEqual(lines);
  });

  it('stays away after 1001, which an idle timeout sends so that a forgotten tab stays closed', async () => {
    await using sluice = await sluiceBefore(server, { idle_timeout: '1s' });
    await using client = await KernelClient.start(sluice.url);
    const run = client.run('import time\nprint("line", 0, flush=True)\ntime.sleep(3)\nprint("line", 1, flush=True)');
    expect((await client.sockets[0]!.closed).code).toBe(1001);
    await client.connection('disconnected');
    await vi.waitFor(
      async () => {
        const model = await KernelAPI.getKernelModel(client.kernel.id, client.settings);
        expect(model?.execution_state).toBe('idle');
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(run.lines).toEqual(['line 0']);
    expect(client.kernel.connectionStatus).toBe('disconnected');
    expect(client.sockets).toHaveLength(1);
    await sluice.logged({ event: 'end', reason: 'idle_timeout' });
  });
});
