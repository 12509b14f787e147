import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../src/limits/quantities.ts';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer } from './jupyter-server.ts';
import { KernelClient } from './kernel-client.ts';

const MiB = 1024 * 1024;

describe.each([
  ['JupyterLab', 'lab', 'v1.kernel.websocket.jupyter.org'],
  ['Notebook classic', 'classic', ''],
] as const)('a kernel of %s', (_, kind, subprotocol) => {
  let server: JupyterServer;
  let sluice: Sluice;
  beforeAll(async () => {
    server = await JupyterServer[kind]();
    sluice = await sluiceBefore(server);
  });
  afterAll(async () => {
    await sluice?.stop();
    await server?.stop();
  });

  it('runs code, with the subprotocol and the number of attempts that it has directly', async () => {
    await using direct = await KernelClient.start(server.url);
    await using through = await KernelClient.start(sluice.url);
    for (const client of [direct, through]) {
      const run = client.run('print(1+1)');
      await run.done;
      expect(run.lines).toEqual(['2']);
    }
    expect(direct.current.socket.protocol).toBe(subprotocol);
    expect(through.current.socket.protocol).toBe(subprotocol);
    expect(through.sockets).toHaveLength(direct.sockets.length);
    expect(await sluice.metric('messages_total', { route: 'jupyter', sender: 'client' })).toBeGreaterThan(0);
  });
});

describe('an execute_request at the message limit', () => {
  const limit = 10 * MiB;
  let server: JupyterServer;
  let sluice: Sluice;
  beforeAll(async () => {
    server = await JupyterServer.lab();
    sluice = await sluiceBefore(server);
  });
  afterAll(async () => {
    await sluice?.stop();
    await server?.stop();
  });

  it('passes with limit - 1 and limit bytes; with one more it is 1009, and the client goes on at once', async () => {
    await using client = await KernelClient.start(sluice.url);
    const probe = client.run('print(6 * 7)');
    await probe.done;
    const overhead = client.current.sent.at(-1)!;

    for (const size of [limit - 1, limit]) {
      const run = client.run('print(6 * 7)', size - overhead);
      await run.done;
      expect(client.current.sent.at(-1)).toBe(size);
      expect(run.lines).toEqual(['42']);
    }
    expect(client.sockets).toHaveLength(1);

    const first = client.current;
    const refused = client.run('print(6 * 7)', limit + 1 - overhead);
    expect(first.sent.at(-1)).toBe(limit + 1);
    const close = await first.closed;
    expect(close).toEqual({
      code: 1009,
      reason: `message of ${sizes(limit + 1, limit).observed} exceeds ${sizes(limit + 1, limit).configured} (route jupyter)`,
    });
    await client.connection('connected');
    expect(client.sockets).toHaveLength(2);
    const next = client.run('print(6 * 7)');
    await next.done;
    expect(next.lines).toEqual(['42']);
    expect(refused.outputs).toEqual([]);

    const violated = { route: 'jupyter', sender: 'client', limit: 'max_message_size' };
    expect(await sluice.metric('limit_violations_total', { ...violated, action: 'close' })).toBe(1);
    expect(await sluice.metric('limit_violations_total')).toBe(1);
    await sluice.logged({
      event: 'end',
      reason: 'message_too_big',
      closed_by: 'sluice',
      limit: { name: 'max_message_size', configured: limit, observed: limit + 1 },
      close_codes: { sent_to_client: 1009, sent_to_upstream: 1009 },
    });
  });
});
