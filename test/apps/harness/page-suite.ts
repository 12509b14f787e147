/**
 * What every app with a page is put through, directly and through Sluice with its preset: a message at the limit, one
 * byte more, more than a minute of silence, TLS, and a gateway that goes away with 1012.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PresetName } from '../../../src/config/model/presets.ts';
import { cert, key } from '../../helpers/test-certificate.ts';
import { Browser } from '../../real/harness/browser.ts';
import { expectPageLoad } from '../../real/harness/page-load.ts';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import { recordSockets, sendOn, socketsOf } from './recorder.ts';

/** A running server. */
export interface RunningApp extends AsyncDisposable {
  readonly port: number;
  /** Of its page or its WebSocket. */
  readonly path: string;
}

/** An app with a page that talks over a WebSocket. */
export interface PageApp {
  readonly preset: PresetName;
  readonly start: () => Promise<RunningApp>;
  /** A part of the URL of the socket that carries its messages; none where the page talks over HTTP alone. */
  readonly socket?: string;
  /** Resolves when a person could use the page. */
  readonly ready: (page: Page) => Promise<void>;
  /** A round trip of a person's; `turn` differs each time. Rejects when the page is dead. */
  readonly use: (page: Page, turn: number) => Promise<void>;
  /**
   * The backend's own limit, and a JavaScript expression (see `sendOn`) for a message of that size which it takes.
   * Without a code the backend has none, and this one is set on the route.
   */
  readonly limit?: { readonly bytes: number; readonly message: string; readonly directCode: number | null };
  /** Resolves when a page has come back by itself; what is done before may be lost. */
  readonly back?: (page: Page) => Promise<void>;
  /** What the user sees when a message was too large; by itself the page goes on where this is left out. */
  readonly afterTooMuch?: (page: Page, way: Way) => Promise<void>;
  /** What the user sees after 1012, where the page does not come back by itself; then the preset lets a drain wait. */
  readonly dead?: (page: Page) => Promise<void>;
}

export type Way = 'directly' | 'through Sluice';
const ways: readonly Way[] = ['directly', 'through Sluice'];

/** Longer than any load balancer's usual idle timeout of a minute, and than most ping timeouts. */
const silenceMs = 70_000;

/** A certificate that nobody vouches for, and its key. */
function certificateFiles(): { cert: string; key: string } {
  const folder = scratchDirectory('certificate');
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}

/** Declares the tests of one app. */
export function pageSuite(name: string, app: PageApp): void {
  describe(name, () => {
    let server: RunningApp;
    let sluice: Sluice;
    let browser: Browser;
    const idle = new Map<Way, { page: Page; since: number }>();
    let turns = 0;

    const limits =
      app.limit?.directCode === null ? { limits: { client: { max_message_size: `${app.limit.bytes}B` } } } : {};
    const config = () => ({
      routes: [{ name, upstream: `http://127.0.0.1:${server.port}`, preset: app.preset, ...limits }],
    });
    const urlOf = (way: Way) => (way === 'directly' ? `http://127.0.0.1:${server.port}` : sluice.url) + server.path;

    async function opened(way: Way): Promise<Page> {
      const page = await browser.page();
      await recordSockets(page);
      await page.goto(urlOf(way));
      await app.ready(page);
      await app.use(page, ++turns);
      return page;
    }

    beforeAll(async () => {
      server = await app.start();
      sluice = await Sluice.start(config());
      browser = await Browser.launch(`apps-${name}`);
      for (const way of ways) idle.set(way, { page: await opened(way), since: performance.now() });
    });

    afterAll(async () => {
      await browser?.[Symbol.asyncDispose]();
      await sluice?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    // The first: one page has come through Sluice until now.
    it('a page takes no more requests and handshakes than are known of its preset', () =>
      expectPageLoad(sluice, app.preset));

    const { socket, limit, dead } = app;
    /** The codes with which sockets of the page have ended, in the order of their opening. */
    const codes = async (page: Page) =>
      socket === undefined
        ? []
        : (await socketsOf(page, socket)).flatMap(({ code }) => (code === undefined ? [] : [code]));

    if (socket !== undefined && limit !== undefined) {
      it.for(ways)('%s, a message of its limit is taken', async (way) => {
        const page = await opened(way);
        for (const bytes of [limit.bytes - 1, limit.bytes]) {
          await sendOn(page, socket, limit.message, bytes);
          await app.use(page, ++turns);
        }
        expect(await codes(page)).toEqual([]);
        await page.close();
      });

      it.for(limit.directCode === null ? ways.slice(1) : ways)('%s, one byte more is refused', async (way) => {
        const page = await opened(way);
        await sendOn(page, socket, limit.message, limit.bytes + 1);
        const ended = async () => (await socketsOf(page, socket)).find(({ code }) => code !== undefined);
        await expect.poll(ended).toBeDefined();
        const { code, reason } = (await ended())!;
        if (way === 'directly') {
          // Its own close frame may lose a race with its reset.
          expect([limit.directCode, 1006]).toContain(code);
        } else {
          expect(code).toBe(1009);
          expect(reason).toContain(`(route ${name})`);
          await sluice.logged({ event: 'end', limit: { name: 'max_message_size', configured: limit.bytes } });
        }
        if (app.afterTooMuch === undefined) {
          await app.back?.(page);
          await app.use(page, ++turns);
        } else await app.afterTooMuch(page, way);
        await page.close();
      });
    }

    it.for(ways)('%s, a page that was silent for more than a minute is alive', async (way) => {
      const { page, since } = idle.get(way)!;
      await delay(Math.max(0, silenceMs - (performance.now() - since)));
      await app.use(page, ++turns);
      expect(await codes(page)).toEqual([]);
      await page.close();
    });

    it('over TLS a page is used as it is without', async () => {
      await using secure = await Sluice.start({ ...config(), listen: { tls: certificateFiles() } });
      const page = await browser.page();
      await recordSockets(page);
      await page.goto(`https://127.0.0.1:${secure.port}${server.path}`);
      await app.ready(page);
      await app.use(page, ++turns);
      // A server that takes the page for one without TLS names what belongs to it so, and the browser asks for none of
      // that.
      expect(browser.console.filter((line) => line.includes('Mixed Content'))).toEqual([]);
      if (socket !== undefined) {
        const schemes = (await socketsOf(page, socket)).map(({ url }) => new URL(url).protocol);
        expect(new Set(schemes)).toEqual(new Set(['wss:']));
      }
      await page.close();
    });

    it(`a gateway that goes away ${dead === undefined ? 'is followed by the page' : 'leaves the page alone until its deadline'}`, async () => {
      const page = await opened('through Sluice');
      const { port } = sluice;
      if (dead !== undefined) {
        sluice.process.signal('SIGTERM');
        await sluice.logged({ event: 'draining' });
        await app.use(page, ++turns);
        expect(await codes(page)).toEqual([]);
        await sluice.process.exited();
      } else {
        await sluice.stop();
      }
      if (socket !== undefined) await expect.poll(async () => (await codes(page))[0]).toBe(1012);
      sluice = await Sluice.start(config(), { port });
      if (dead === undefined) {
        await app.back?.(page);
        await app.use(page, ++turns);
      } else await dead(page);
      await page.close();
    });
  });
}
