/** What a person or a page cancels ends at the server too, and leaves nothing behind. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { socketsOn } from '../../helpers/sockets.ts';
import { bothWays, type Site, type Ways } from './site.ts';

const MiB = 1024 * 1024;
/** Of an answer without an end; more is not sent, for the browser writes it to a file. */
const mostSent = 32 * MiB;
const uploadBytes = 50 * MiB;

let ways: Ways;

beforeAll(async () => {
  ways = await bothWays('cancelled', { asked });
});

afterAll(() => ways?.[Symbol.asyncDispose]());

/** Lets the server of a site read on. */
const readOn = new Map<Site, () => void>();

function asked(request: IncomingMessage, response: ServerResponse, site: Site): void {
  if (request.url === '/endless') void flood(response, site);
  if (request.url === '/upload') {
    site.saw('an upload');
    response.setHeader('Content-Type', 'text/plain');
    request.on('error', () => {}).on('close', () => site.saw(request.complete ? 'a whole upload' : 'an upload is cut'));
    readOn.set(site, () => request.resume());
  }
}

async function flood(response: ServerResponse, site: Site): Promise<void> {
  const left = new AbortController();
  response.on('close', () => {
    site.saw('left');
    left.abort();
  });
  site.saw('asked');
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': 1000 * MiB });
  for (let sent = 0; sent < mostSent; sent += MiB) {
    if (sent === 4 * MiB) site.saw('under way');
    const ready = response.write(Buffer.alloc(MiB)) || (await once(response, 'drain', left).catch(() => false));
    if (ready === false) return;
  }
}

/** How a page gets something, and how it no longer wants it. */
type Cancelled = (page: Page, site: Site) => Promise<() => Promise<unknown>>;

const manners: Readonly<Record<string, Cancelled>> = {
  'a download that a person cancels': async (page, site) => {
    const begun = page.waitForEvent('download');
    await page.evaluate(() => {
      const link = Object.assign(document.createElement('a'), { href: '/endless', download: 'endless' });
      link.click();
    });
    const download = await begun;
    await site.hasSeen('under way');
    return () => download.cancel();
  },
  'a fetch that a page aborts': async (page, site) => {
    await page.evaluate(async () => {
      const abort = new AbortController();
      const { body } = await fetch('/endless', { signal: abort.signal });
      const reader = body!.getReader();
      Object.assign(globalThis, { abort });
      // It reads as fast as it can.
      void (async () => {
        while (!(await reader.read()).done);
      })().catch(() => {});
    });
    await site.hasSeen('under way');
    return () => page.evaluate(() => (globalThis as unknown as { abort: AbortController }).abort.abort());
  },
  'what a page has not read when its tab is closed': async (page, site) => {
    await page.evaluate(async () => {
      await fetch('/endless');
    });
    // How much the browser takes that nobody reads is its own affair.
    await site.hasSeen('asked');
    return () => page.close();
  },
};

const noticedWithinMs = 1000;
/** A machine that is busy may take a second by itself, so the quickest of some tries counts. */
const mostTries = 8;

describe.each(['direct', 'relayed'] as const)('%s', (way) => {
  test.each(Object.entries(manners))('the server hears within a second of %s', async (_manner, begin) => {
    const site = ways[way];
    let quickest = Number.POSITIVE_INFINITY;
    for (let tried = 0; tried < mostTries && quickest >= noticedWithinMs; tried++) {
      site.seen.length = 0;
      const page = await ways.browser.page();
      await page.goto(`${site.url}/page`);
      const cancel = await begin(page, site);
      const cancelled = performance.now();
      await Promise.all([cancel(), site.hasSeen('left')]);
      quickest = Math.min(quickest, performance.now() - cancelled);
      await page.close();
    }
    expect(quickest).toBeLessThan(noticedWithinMs);
  });

  test('an upload that a page aborts is cut at the server', async () => {
    const site = ways[way];
    site.seen.length = 0;
    const page = await ways.browser.page();
    await page.goto(`${site.url}/page`);
    await page.evaluate(upload, uploadBytes);
    // Its server has read nothing of the body until the page has aborted, so it cannot have come to its end.
    await site.hasSeen('an upload');
    await page.evaluate(abortUpload);
    readOn.get(site)!();
    await site.hasSeen('an upload is cut');
    expect(site.seen).not.toContain('a whole upload');
    await page.close();
  });

  test('an upload that a page streams needs HTTP/2, says Chromium, and nothing of it is sent', async () => {
    const site = ways[way];
    site.seen.length = 0;
    const page = await ways.browser.page();
    await page.goto(`${site.url}/page`);
    expect(await page.evaluate(streamUp)).toBe('TypeError: Failed to fetch');
    expect(site.seen).toEqual([]);
    await page.close();
  });
});

/** In the page: begins to upload so many bytes. */
function upload(bytes: number): void {
  const request = new XMLHttpRequest();
  request.open('PUT', '/upload');
  // Of a blob the tools of the browser are not told each byte.
  request.send(new Blob([new Uint8Array(bytes)]));
  Object.assign(globalThis, { request });
}

function abortUpload(): void {
  (globalThis as unknown as { request: XMLHttpRequest }).request.abort();
}

/** In the page: an upload whose length nobody knows. */
function streamUp(): Promise<string> {
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(1000));
      controller.close();
    },
  });
  return fetch('/upload', { method: 'POST', duplex: 'half', body } as RequestInit).then(
    ({ status }) => `${status}`,
    String,
  );
}

test('nothing is left of all that in Sluice', async () => {
  await ways.browser[Symbol.asyncDispose]();
  await expect.poll(() => socketsOn([ways.sluice.port, ways.relayed.port])).toBe(0);
  await expect.poll(() => ways.sluice.metric('memory_pressure_ratio')).toBe(0);
  await expect.poll(() => ways.sluice.metric('connections_active')).toBe(0);
});
