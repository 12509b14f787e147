import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContentsManager, ServerConnection } from '@jupyterlab/services';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sluice } from '../harness/sluice.ts';
import { sluiceBefore } from './gateway.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { serverSettings } from './kernel-client.ts';

const MiB = 1024 * 1024;
const maxBodyBytes = 48 * MiB;

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('files over plain HTTP', () => {
  let server: JupyterServer;
  let sluice: Sluice;
  let contents: ContentsManager;
  beforeAll(async () => {
    server = await JupyterServer.lab();
    sluice = await sluiceBefore(server, { http: { max_body_size: maxBodyBytes } });
    contents = new ContentsManager({ serverSettings: serverSettings(sluice.url) });
  });
  afterAll(async () => {
    contents?.dispose();
    await sluice?.stop();
    await server?.stop();
  });

  /** Saves one piece as JupyterLab's file browser does. */
  const put = (path: string, bytes: Buffer, chunk?: number): Promise<unknown> =>
    contents.save(path, {
      type: 'file',
      format: 'base64',
      content: bytes.toString('base64'),
      ...(chunk === undefined ? {} : { chunk }),
    });
  const stored = async (path: string): Promise<string> => hash(await readFile(join(server.directory, path)));

  it('takes 20 MiB in 20 PUTs of 1 MiB and gives it back with the same hash', async () => {
    const file = randomBytes(20 * MiB);
    for (let chunk = 1; chunk <= 20; chunk++) {
      await put('chunked.bin', file.subarray((chunk - 1) * MiB, chunk * MiB), chunk === 20 ? -1 : chunk);
    }
    expect(await stored('chunked.bin')).toBe(hash(file));
    const download = await fetch(`${sluice.url}/files/chunked.bin?token=${token}`);
    expect(hash(new Uint8Array(await download.arrayBuffer()))).toBe(hash(file));
  });

  it('takes 30 MB in a single PUT', async () => {
    const file = randomBytes(30_000_000);
    await put('single.bin', file);
    expect(await stored('single.bin')).toBe(hash(file));
  });

  it('refuses a declared body over the limit with 413, as the client of JupyterLab sees it', async () => {
    const saved = await put('declared.bin', randomBytes(maxBodyBytes)).catch((error: unknown) => error);
    expect(saved).toBeInstanceOf(ServerConnection.ResponseError);
    expect((saved as ServerConnection.ResponseError).response.status).toBe(413);
    await expect(stored('declared.bin')).rejects.toThrow('ENOENT');
  });

  it('refuses a body of unknown length with 413 once it crosses the limit', async () => {
    const piece = new Uint8Array(MiB);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent++ < 2 * (maxBodyBytes / MiB)) controller.enqueue(piece);
        else controller.close();
      },
    });
    const response = await fetch(`${sluice.url}/api/contents/streamed.bin`, {
      method: 'PUT',
      headers: { Authorization: `token ${token}` },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    await expect(stored('streamed.bin')).rejects.toThrow('ENOENT');
  });
});
