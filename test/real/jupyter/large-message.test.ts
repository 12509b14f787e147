import { KernelAPI } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../harness/browser.ts';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { serverSettings } from './kernel-client.ts';
import { uploadFromPage } from './page-upload.ts';

const maxMessageBytes = 150 * 1024 * 1024;
const fileBytes = 140_000_000;

describe.each([
  ['JupyterLab', 'lab', 'v1.kernel.websocket.jupyter.org'],
  ['Notebook classic', 'classic', null],
] as const)('%s and its route raised to 150 MiB', (_, kind, subprotocol) => {
  let server: JupyterServer;
  let sluice: Sluice;
  beforeAll(async () => {
    server = await JupyterServer[kind]({ maxMessageBytes });
    sluice = await sluiceBefore(server, { limits: { client: { max_message_size: '150MiB' } } });
  });
  afterAll(async () => {
    await sluice?.stop();
    await server?.stop();
  });

  it('pass a widget message with 140 MB from Chromium whole', async () => {
    const kernel = await KernelAPI.startNew({ name: 'python3' }, serverSettings(server.url));
    await using browser = await Browser.launch(`upload-${kind}`);
    const page = await browser.page();
    await page.goto(`${sluice.url}/login`);
    const url = `${sluice.url.replace('http', 'ws')}/api/kernels/${kernel.id}/channels?session_id=page&token=${token}`;
    const upload = await page.evaluate(uploadFromPage, { url, subprotocol, fileBytes });
    expect(upload.received).toEqual({ bytes: fileBytes, sha256: upload.sha256 });
    expect(upload.messageBytes).toBeGreaterThan(fileBytes);

    const end = await sluice.logged({ event: 'end', reason: 'client_closed' });
    expect(end).toMatchObject({
      client_sent: { max_message_bytes: upload.messageBytes },
      limit: null,
      undelivered_bytes: 0,
    });
    expect(await sluice.metric('limit_violations_total')).toBe(0);
  });
});
