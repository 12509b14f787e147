import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { LoadBalancer } from '../harness/load-balancer.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';

/**
 * A load balancer's 30 s, scaled down; it holds for handshakes too, and a server that has just started is slow with
 * them.
 */
const idleMs = 5_000;

async function subscribe(base: string): Promise<WebSocket> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/api/events/subscribe?token=${token}`);
  await once(socket, 'open');
  return socket;
}

describe('the event socket, on which Jupyter sends no pings, behind a load balancer that cuts what is idle', () => {
  let server: JupyterServer;
  beforeAll(async () => {
    server = await JupyterServer.lab();
  });
  afterAll(() => server?.stop());

  it('stays open through Sluice for longer than three cuts without it', async () => {
    await using sluice = await sluiceBefore(server, { ping: { client: '1s' } });
    await using before = await LoadBalancer.start(sluice.port, idleMs);
    await using without = await LoadBalancer.start(server.port, idleMs);

    const kept = await subscribe(before.url);
    for (let cuts = 1; cuts <= 3; cuts++) {
      const [code] = await once(await subscribe(without.url), 'close');
      expect(code).toBe(1006);
      expect(without.cut).toBe(cuts);
    }
    expect(kept.readyState).toBe(WebSocket.OPEN);
    expect(before.cut).toBe(0);

    // It is still what it was: reading a directory makes an event, and the event arrives.
    const event = once(kept, 'message');
    const read = await fetch(`${server.url}/api/contents?token=${token}`);
    expect(read.status).toBe(200);
    const [data] = await event;
    expect(JSON.parse(String(data))).toMatchObject({
      schema_id: 'https://events.jupyter.org/jupyter_server/contents_service/v1',
      action: 'get',
    });
    kept.close();
    await once(kept, 'close');
  });
});
