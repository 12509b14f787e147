/** What clients and servers put into a request stays out of everything that Sluice tells: log, API, feed and page. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { fakeUpstream, headersOf, switching } from '../../helpers/fake-upstream.ts';
import { closeFrame } from '../../helpers/frames.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import type { Peer } from '../../helpers/peer.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import {
  type Place,
  secretHosts,
  secretOrigins,
  secretPaths,
  secretSubprotocols,
} from '../../helpers/secret-places.ts';

/** A header that is not allowed at all, with a secret in it. */
const lineOf = (name: string, text: string) => ({ headers: { [name]: text } });

/** Requests that hold a secret: some become connections, others are refused or fail. */
function requestsWith(secret: string): readonly (Place & { readonly request: string })[] {
  const of = (place: Place, request: string) => ({ ...place, request });
  const simple = (name: string) => ({ text: '', secrets: [secret], request: handshakeRequest(lineOf(name, secret)) });
  return [
    ...secretPaths(secret).flatMap((place) => [
      of(place, handshakeRequest({ path: place.text })),
      of(place, handshakeRequest({ path: place.text, headers: { 'Sec-WebSocket-Version': '12' } })),
      of(place, `GET /dead${place.text} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`),
    ]),
    ...secretSubprotocols(secret).map((place) =>
      of(place, handshakeRequest(lineOf('Sec-WebSocket-Protocol', `x, ${place.text}`))),
    ),
    ...secretHosts(secret).map((place) => of(place, handshakeRequest(lineOf('Host', place.text)))),
    ...secretOrigins(secret).map((place) =>
      of(place, handshakeRequest({ path: '/origin', ...lineOf('Origin', place.text) })),
    ),
    ...['Cookie', 'Authorization', 'Referer', 'X-Api-Key', 'X-Forwarded-For', 'X-Forwarded-User'].map(simple),
    { text: '', secrets: [secret], request: `${secret} / HTTP/1.1\r\nHost: h\r\n\r\n` },
    { text: '', secrets: [secret], request: `GET / HTTP/1.1\r\nHost: h\r\nCookie : ${secret}\r\n\r\n` },
    { text: '', secrets: [secret], request: `Authorization: Bearer ${secret}\r\n\r\n` },
    { text: '', secrets: [secret], request: `GET / ${secret}\r\nHost: h\r\n\r\n` },
  ];
}

async function setUp() {
  // It chooses the last subprotocol, as servers do that take their token from there.
  const upstream = await fakeUpstream({
    answer: (request) => {
      const chosen = headersOf(request, 'Sec-WebSocket-Protocol').join().split(',').at(-1)!.trim();
      return switching(request, ...(chosen === '' ? [] : [`Sec-WebSocket-Protocol: ${chosen}`]));
    },
  });
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  const timeouts = { ...routeTo(1).timeouts, closeMs: 200 };
  const gateway = await startGateway({
    routes: [
      routeTo(upstream, { timeouts }),
      routeTo(1, { name: 'dead', path: '/dead' }),
      routeTo(upstream, { name: 'origin', path: '/origin', timeouts, origins: ['https://apps.example.org'] }),
    ],
  });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

/** All that the admin port tells of the connections that are open. */
async function shown(adminPort: number): Promise<string> {
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${adminPort}${path}`)).text();
  const list = await get('/api/connections?limit=500');
  const ids = (JSON.parse(list) as { connections: { id: string }[] }).connections.map(({ id }) => id);
  const details = await Promise.all(ids.map((id) => get(`/api/connections/${id}`)));
  const feed = await fetch(`http://127.0.0.1:${adminPort}/api/feed`);
  const reader = feed.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return [list, ...details, new TextDecoder().decode(value), await get('/metrics')].join('\n');
}

/** A client that has sent that; `null` where it became no connection. */
async function begin(port: number, request: string): Promise<Peer | null> {
  const peer = await rawConnect(port);
  peer.sendText(request);
  return (await peer.head().catch(() => '')).startsWith('HTTP/1.1 101') ? peer : null;
}

test('no secret of a request is told anywhere, wherever it stands', async () => {
  const gateway = await setUp();
  const unit = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789');
  const [secret] = fc.sample(fc.string({ unit, minLength: 12, maxLength: 40 }), 1) as [string];
  const requests = requestsWith(secret);
  let opened = 0;
  let answers = '';
  // Some at a time: a process may have no more than a thousand descriptors.
  for (let first = 0; first < requests.length; first += 150) {
    const asked = requests.slice(first, first + 150).map(({ request }) => begin(gateway.port, request));
    const peers = (await Promise.all(asked)).filter((peer) => peer !== null);
    opened += peers.length;
    answers += await shown(gateway.adminPort);
    // A secret in a close frame.
    for (const peer of peers) peer.send(closeFrame(4000, secret.slice(0, 100), { mask: true }));
    for (const peer of peers) {
      await peer.frame();
      peer.end();
    }
    await expect.poll(() => gateway.log.filter(({ event }) => event === 'end').length).toBe(opened);
  }
  expect(opened).toBeGreaterThan(100);

  const log = JSON.stringify(gateway.log);
  // Each is looked for once, however many requests hold it.
  const told = [...new Set(requests.flatMap(({ secrets }) => secrets))].filter(
    (hidden) => log.includes(hidden) || answers.includes(hidden),
  );
  const ofThem = requests.filter(({ secrets }) => secrets.some((hidden) => told.includes(hidden)));
  expect({ told, requests: ofThem.map(({ request }) => request) }).toEqual({ told: [], requests: [] });
  // The secret was looked for where something is told.
  expect(log).toContain('"event":"refused"');
  expect(log).toContain('"event":"http_failed"');
  expect(answers).toContain('[redacted]');
});
