/** What Chromium loads piece by piece: many assets at once and again, and a film from its middle. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bothWays, type Site, type Ways } from './site.ts';

const assets = 40;
/** As many connections as Chromium opens to one host. */
const atOnce = 6;

let ways: Ways;

beforeAll(async () => {
  ways = await bothWays('assets', { asked });
});

afterAll(() => ways?.[Symbol.asyncDispose]());

function asked(request: IncomingMessage, response: ServerResponse, site: Site): void {
  const url = request.url!;
  if (url === '/gallery') response.setHeader('Content-Type', 'text/html').end(gallery);
  else if (url.startsWith('/asset/')) answerAsset(Number(url.slice('/asset/'.length)), request, response, site);
  else if (url === '/film.wav') answerPart(request, response, site);
}

const images = Array.from({ length: assets }, (_, i) => `<img src="/asset/${i}">`);
const gallery = `<!doctype html><title>gallery</title>${images.join('')}`;

/** The answers that wait until as many assets are asked for at once as there are connections. */
const waiting = new Map<Site, (() => void)[]>();

function answerAsset(index: number, request: IncomingMessage, response: ServerResponse, site: Site): void {
  const etag = `"${index}"`;
  const known = request.headers['if-none-match'] === etag;
  site.saw(`asset ${known ? 304 : 200}`);
  response.setHeader('Content-Type', 'image/svg+xml').setHeader('ETag', etag).setHeader('Cache-Control', 'no-cache');
  if (known) {
    response.writeHead(304).end();
    return;
  }
  const those = waiting.get(site) ?? [];
  waiting.set(site, those);
  those.push(() => response.end(`<svg xmlns="http://www.w3.org/2000/svg" width="${index + 1}" height="1"/>`));
  if (site.seen.filter((each) => each === 'asset 200').length < atOnce) return;
  for (const answer of those.splice(0)) answer();
}

/** In the page: the widths of its images when all are loaded; each has one of its own. */
async function widths(): Promise<number[]> {
  await Promise.all(Array.from(document.images, (image) => image.decode()));
  return Array.from(document.images, (image) => image.naturalWidth);
}

const seconds = 600;
const bytesPerSecond = 2 * 44_100;

/** Silence: a header, and zeros. Chromium plays it as it plays any film. */
function film(): Buffer {
  const bytes = Buffer.alloc(44 + seconds * bytesPerSecond);
  bytes.write('RIFF');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(44_100, 24);
  bytes.writeUInt32LE(bytesPerSecond, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  return bytes;
}
const whole = film();

function answerPart(request: IncomingMessage, response: ServerResponse, site: Site): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]);
  site.saw(from === 0 ? 'from its beginning' : from > whole.length / 2 ? 'from its second half' : 'otherwise');
  response
    .writeHead(206, {
      'Content-Type': 'audio/wav',
      'Content-Length': whole.length - from,
      'Content-Range': `bytes ${from}-${whole.length - 1}/${whole.length}`,
      'Accept-Ranges': 'bytes',
    })
    .end(whole.subarray(from));
}

/** In the page: how long the film is, and where it stands after a jump. */
async function jump(to: number): Promise<number[]> {
  const video = document.createElement('video');
  const event = (name: string) => new Promise((resolve) => video.addEventListener(name, resolve, { once: true }));
  const loaded = event('loadedmetadata');
  video.preload = 'metadata';
  video.src = '/film.wav';
  await loaded;
  const sought = event('seeked');
  video.currentTime = to;
  await sought;
  return [video.duration, video.currentTime];
}

describe.each(['direct', 'relayed'] as const)('%s', (way) => {
  test('40 assets come over 6 connections at once, and none comes twice', async () => {
    const site = ways[way];
    const page = await ways.browser.page();
    await page.goto(`${site.url}/gallery`);
    const expected = Array.from({ length: assets }, (_, i) => i + 1);
    expect(await page.evaluate(widths)).toEqual(expected);
    expect(site.seen).toEqual(new Array(assets).fill('asset 200'));
    site.seen.length = 0;
    await page.reload();
    expect(await page.evaluate(widths)).toEqual(expected);
    expect(site.seen).toEqual(new Array(assets).fill('asset 304'));
    await page.close();
  });

  test('a film is seen from its middle without what comes before', async () => {
    const site = ways[way];
    site.seen.length = 0;
    const page = await ways.browser.page();
    await page.goto(`${site.url}/page`);
    expect(await page.evaluate(jump, 500)).toEqual([seconds, 500]);
    expect(site.seen[0]).toBe('from its beginning');
    expect(site.seen).toContain('from its second half');
    await page.close();
  });
});
