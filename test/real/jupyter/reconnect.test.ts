import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KernelAPI } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { scratchDirectory } from '../harness/paths.ts';
import { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer } from './jupyter-server.ts';
import { type Execution, KernelClient } from './kernel-client.ts';

/** A kernel that prints until it is told to stop, so it is always in the middle of its work. */
class Printing {
  readonly #enough = join(scratchDirectory('printing'), 'enough');

  /**
   * One line each millisecond: whatever is lost between the close on one leg and the other's answer shows. But only the
   * first thousand: a client that is slow to take more would hold Jupyter up, which drops what waits when it hears a
   * close.
   */
  code(pause = '0.001 if i < 1000 else 0.02'): string {
    return `import os, time
i = 0
while not os.path.exists(${JSON.stringify(this.#enough)}):
    print("line", i, flush=True)
    i += 1
    time.sleep(${pause})
print("last", i)`;
  }

  /** Lets it come to its end, and expects every line once, in order. */
  async end(run: Execution): Promise<void> {
    writeFileSync(this.#enough, '');
    await run.done;
    const printed = run.lines.length - 1;
    expect(run.lines).toEqual([...Array.from({ length: printed }, (_, i) => `line ${i}`), `last ${printed}`]);
  }
}

describe('JupyterLab, cut off in the middle of an execution', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab({ unlimitedOutput: true });
  });
  afterAll(() => server?.stop());

  it('comes back after a drain and gets every line once, in order', async () => {
    const routes = [{ name: 'jupyter', upstream: server.url, preset: 'jupyter' }];
    // The close frame stands behind all that was printed before: no deadline shall decide whether the client has read
    // so far.
    await using leaving = await Sluice.start({ drain: { announce: '0s', spread: '0s', deadline: '60s' }, routes });
    await using staying = await sluiceBefore(server);
    await using balancer = await LoadBalancer.start(leaving.port);
    await using client = await KernelClient.start(balancer.url);
    const printing = new Printing();
    const run = client.run(printing.code());
    await run.shown((text) => text.includes('line 300\n'));

    balancer.target = staying.port;
    leaving.process.signal('SIGTERM');
    expect((await client.sockets[0]!.closed).code).toBe(1012);
    await staying.logged({ event: 'open' });
    await printing.end(run);
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
    // Long enough to see that all is served as before, also where everything is slow.
    const drain = { announce: '5s', spread: '2s', deadline: '30s' };
    await using leaving = await Sluice.start({ drain, routes });
    await using staying = await Sluice.start({ drain, routes });
    await using balancer = await LoadBalancer.start(leaving.port);
    await using client = await KernelClient.start(balancer.url);
    const printing = new Printing();
    const run = client.run(printing.code('0.004'));
    await run.shown((text) => text.includes('line 100\n'));

    leaving.process.signal('SIGTERM');
    await leaving.logged({ event: 'draining', phase: 'announce', connections: 1 });
    expect((await fetch(`${leaving.adminUrl}/readyz`)).status).toBe(503);
    // Its balancer has not noticed yet: what comes now is served as before.
    expect((await KernelAPI.getKernelModel(client.kernel.id, client.settings))?.execution_state).toBe('busy');
    balancer.target = staying.port;

    expect((await client.sockets[0]!.closed).code).toBe(1012);
    await leaving.logged({ event: 'draining', phase: 'close', connections: 1 });
    await staying.logged({ event: 'open' });
    await printing.end(run);
    expect(client.sockets).toHaveLength(2);
    await leaving.logged({ event: 'drained', connections: 1, sent_away: 1, cut: 0 });
    expect(await leaving.process.exited()).toBe(0);
  });

  it('comes back to a Sluice started anew on the same port', async () => {
    const first = await sluiceBefore(server);
    await using client = await KernelClient.start(first.url);
    const printing = new Printing();
    const run = client.run(printing.code());
    await run.shown((text) => text.includes('line 300\n'));
    first.process.signal('SIGTERM');
    await first.process.exited();
    await using _second = await sluiceBefore(server, {}, { port: first.port });
    expect((await client.sockets[0]!.closed).code).toBe(1012);
    await printing.end(run);
  });

  it('stays away after 1001, which an idle timeout sends so that a forgotten tab stays closed', async () => {
    // A kernel that has just started may be silent for a while before its first line.
    await using sluice = await sluiceBefore(server, { idle_timeout: '12s' });
    await using client = await KernelClient.start(sluice.url);
    const run = client.run('import time\nprint("line", 0, flush=True)\ntime.sleep(20)\nprint("line", 1, flush=True)');
    expect((await client.sockets[0]!.closed).code).toBe(1001);
    await client.connection('disconnected');
    await vi.waitFor(
      async () => {
        const model = await KernelAPI.getKernelModel(client.kernel.id, client.settings);
        expect(model?.execution_state).toBe('idle');
      },
      { timeout: 90_000, interval: 100 },
    );
    expect(run.lines).toEqual(['line 0']);
    expect(client.kernel.connectionStatus).toBe('disconnected');
    expect(client.sockets).toHaveLength(1);
    await sluice.logged({ event: 'end', reason: 'idle_timeout' });
  });
});
