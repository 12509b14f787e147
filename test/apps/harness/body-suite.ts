/**
 * What apps whose pages speak HTTP alone are put through: they have no limit of messages, so it is the operator's
 * `http.max_body_size` that is met, by a body of that size, by one byte more, and by a person who sends too much.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresetName } from '../../../src/config/model/presets.ts';
import { Browser } from '../../real/harness/browser.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import type { RunningApp } from './page-suite.ts';

/** An app with a page that sends bodies. */
export interface BodyApp {
  readonly preset: PresetName;
  readonly start: () => Promise<RunningApp>;
  /** A request whose body has so many bytes, which the app answers with 200. */
  readonly post: (bytes: number) => { readonly path: string; readonly type: string; readonly body: string };
  /** Resolves when a person could use the page. */
  readonly ready: (page: Page) => Promise<void>;
  /** A person sends more bytes than `limitBytes`; resolves when they see what came of it. */
  readonly tooMuch: (page: Page, limitBytes: number) => Promise<void>;
  /** A round trip of a person's, of less. Rejects when the page is dead. */
  readonly use: (page: Page) => Promise<void>;
}

const limitBytes = 1024 * 1024;

/** Declares the tests of one app. */
export function bodySuite(name: string, app: BodyApp): void {
  describe(`${name}, bodies`, () => {
    let server: RunningApp;
    let sluice: Sluice;

    beforeAll(async () => {
      server = await app.start();
      const upstream = `http://127.0.0.1:${server.port}`;
      sluice = await Sluice.start({
        routes: [{ name, upstream, preset: app.preset, http: { max_body_size: `${limitBytes}B` } }],
      });
    });

    afterAll(async () => {
      await sluice?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    const post = async (port: number, bytes: number): Promise<number> => {
      const { path, type, body } = app.post(bytes);
      expect(body.length).toBe(bytes);
      const headers = { 'Content-Type': type };
      return (await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers, body })).status;
    };

    it('one of the limit is taken', async () => {
      for (const bytes of [limitBytes - 1, limitBytes]) expect(await post(sluice.port, bytes)).toBe(200);
    });

    it('one byte more gets 413 of Sluice, which the log tells; the app itself would take it', async () => {
      expect(await post(server.port, limitBytes + 1)).toBe(200);
      expect(await post(sluice.port, limitBytes + 1)).toBe(413);
      expect(await sluice.logged({ event: 'http_failed', status: 413 })).toMatchObject({
        route: name,
        limit: { name: 'http.max_body_size', configured: limitBytes, observed: limitBytes + 1 },
      });
    });

    it('who sends too much sees it, and the page goes on', async () => {
      await using browser = await Browser.launch(`apps-${name}-bodies`);
      const page = await browser.page();
      await page.goto(sluice.url + server.path);
      await app.ready(page);
      const answered = page.waitForResponse((response) => response.status() === 413);
      await app.tooMuch(page, limitBytes);
      await answered;
      await app.use(page);
    });
  });
}
