/** Server-sent events in Chromium: what was cut goes on from where it was, as directly. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bothWays, type Site, type Ways } from './site.ts';

let ways: Ways;

beforeAll(async () => {
  ways = await bothWays('events', { asked });
});

afterAll(() => ways?.[Symbol.asyncDispose]());

/** What a page has asked to be cut. */
const cuts = new Map<Site, () => void>();

/** The first connection ends, the second is cut in an event when the page asks for it, the third goes on. */
function asked(request: IncomingMessage, response: ServerResponse, site: Site): void {
  if (request.url === '/cut') cuts.get(site)!();
  if (request.url !== '/events') return;
  const last = Number(request.headers['last-event-id'] ?? 0);
  site.saw(`asked after ${last}`);
  response.on('close', () => site.saw(`ended after ${last}`));
  // Chromium would wait three seconds before it asks again.
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write('retry: 1\n\n');
  const tell = (id: number) => response.write(`id: ${id}\ndata: event ${id}\n\n`);
  tell(last + 1);
  if (last === 0) {
    tell(2);
    response.end();
  } else if (last === 2) {
    // An event that is cut is none.
    response.write('id: 4\ndata: half of');
    // Not before the page has what came before it: a connection that is reset may lose what nobody has read.
    cuts.set(site, () => request.socket.destroy());
  } else tell(last + 2);
}

/** In the page: the events up to one of them, and how often the source had to come back. */
function listen(last: string): Promise<string[]> {
  const heard: string[] = [];
  const source = new EventSource('/events');
  Object.assign(globalThis, { source });
  source.onopen = () => heard.push('open');
  source.onerror = () => heard.push(source.readyState === EventSource.CONNECTING ? 'comes back' : 'gives up');
  return new Promise((resolve) => {
    source.onmessage = ({ data, lastEventId }) => {
      heard.push(`${lastEventId}: ${data}`);
      if (data === 'event 3') void fetch('/cut');
      if (data === last) resolve(heard);
    };
  });
}

test.each(['direct', 'relayed'] as const)(
  'no event is lost or comes twice, and one who closes is gone: %s',
  async (way) => {
    const site = ways[way];
    const page = await ways.browser.page();
    await page.goto(`${site.url}/page`);
    expect(await page.evaluate(listen, 'event 5')).toEqual([
      'open',
      '1: event 1',
      '2: event 2',
      'comes back',
      'open',
      '3: event 3',
      'comes back',
      'open',
      '4: event 4',
      '5: event 5',
    ]);
    const seen = ['asked after 0', 'asked after 2', 'asked after 3', 'ended after 0', 'ended after 2'];
    expect(site.seen.toSorted()).toEqual(seen);
    await page.evaluate(() => (globalThis as unknown as { source: EventSource }).source.close());
    await site.hasSeen('ended after 3');
    await page.close();
  },
);
