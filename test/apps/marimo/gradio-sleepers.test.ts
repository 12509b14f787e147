/** Gradio answers over HTTP: a download waits for its reader. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flood } from '../../real/harness/sleepers.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import type { RunningApp } from '../harness/page-suite.ts';
import { startGradio } from './gradio-server.ts';

describe('gradio, a download whose reader sleeps', () => {
  const ways = ['directly', 'through Sluice'] as const;
  const bytes = flood.pieces * flood.bytes;
  let server: RunningApp;
  let sluice: Sluice;
  let downloads: Promise<number>[];

  async function upload(): Promise<string> {
    const body = new FormData();
    body.append('files', new Blob([Buffer.alloc(bytes)]), 'flood.bin');
    const answer = await fetch(`http://127.0.0.1:${server.port}/gradio_api/upload`, { method: 'POST', body });
    return ((await answer.json()) as [string])[0];
  }

  /** The length of what has come when its reader has slept longer than any ping is borne. */
  async function sleptThrough(port: number, path: string): Promise<number> {
    const request = get(`http://127.0.0.1:${port}/gradio_api/file=${path}`, { agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await delay(100_000);
    let length = 0;
    for await (const piece of response) length += (piece as Buffer).length;
    return length;
  }

  beforeAll(async () => {
    server = await startGradio();
    const upstream = `http://127.0.0.1:${server.port}`;
    sluice = await Sluice.start({ routes: [{ name: 'gradio', upstream, preset: 'gradio' }] });
    const path = await upload();
    downloads = [server.port, sluice.port].map((port) => sleptThrough(port, path));
    for (const download of downloads) download.catch(() => {});
  });

  afterAll(async () => {
    await sluice?.stop();
    await server?.[Symbol.asyncDispose]();
  });

  it.for(ways)('%s, it is whole after 100 s', async (way) => {
    expect(await downloads[ways.indexOf(way)]).toBe(bytes);
  });
});
