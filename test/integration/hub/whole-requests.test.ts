/** Requests for the API are answered alike, whether they come whole or in pieces, which other code reads. */
import { describe, expect, test } from 'vitest';
import { hubGateway, token } from '../../helpers/hub.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const auth = `Authorization: token ${token}\r\n`;
const data = { target: 'http://127.0.0.1:1', user: 'ä€😀', deep: { x: [1, '"\\\n'] } };

function request(line: string, body = '', fields = auth): string {
  const { length } = Buffer.from(body);
  const framing = body === '' ? '' : `Content-Length: ${length}\r\n`;
  return `${line} HTTP/1.1\r\nHost: localhost\r\n${fields}${framing}\r\n${body}`;
}

const cut = /^([A-Z])(.*)$/s;

const post = (path: string, body: unknown, fields = auth) =>
  request(`POST /api/routes${path}`, typeof body === 'string' ? body : JSON.stringify(body), fields);

describe.each([
  ['keep-alive, and the client says no more', '', true],
  ['close', 'Connection: close\r\n', false],
])('%s', (_name, connection, ends) => {
  test.each([
    ['a route that is set', post('/user/a', data)],
    ['a path with escapes', post('/user/a%40b%2Fc/', data)],
    ['the route, given back', request('GET /api/routes/known')],
    ['none', request('GET /api/routes/unknown')],
    ['one that goes', request('DELETE /api/routes/unknown')],
    ['the table', request('GET /api/routes')],
    ['a check', request('POST /api/checked', '{"differing":1}')],
    ['a check that is none', request('POST /api/checked', '{}')],
    ['another method', request('PUT /api/routes/known', '{}')],
    ['HEAD', request('HEAD /api/routes/known')],
    ['no path of the API', request('GET /api/other')],
    ['no token', post('/user/a', data, '')],
    ['a wrong token', post('/user/a', data, 'Authorization: token wrong\r\n')],
    ['another site', post('/user/a', data, `${auth}Origin: http://evil.example\r\n`)],
    ['no JSON', post('/user/a', '{')],
    ['no target', post('/user/a', {})],
    ['a path that is none', post('/user/%ff', data)],
    ['a dot segment', post('/user/../a', data)],
  ])('%s', async (_what, text) => {
    const hub = await hubGateway();
    await hub.set('/known', 'http://127.0.0.1:1', { user: 'ä€😀' });
    const asked = text.replace('Host:', `${connection}Host:`);
    const ask = async (pieces: readonly string[]) => {
      const peer = await rawConnect(hub.apiPort);
      const ended = peer.ended;
      for (const piece of pieces) {
        await new Promise<void>((sent) => peer.socket.write(piece, () => sent()));
        // Another client has been served: what was sent before has come.
        if (pieces.length > 1) await hub.api('/unknown');
      }
      if (ends) peer.end();
      await ended;
      return peer.received.toString().replaceAll(/(?<=^Date: |"last_activity":").*?(?=\r|")/gm, 'NOW');
    };
    const whole = await ask([asked]);
    expect(whole).toMatch(/^HTTP\/1.1 \d{3} /);
    const [, first, rest] = cut.exec(asked)!;
    expect(await ask([first!, rest!])).toBe(whole);
  });
});

test('one connection takes requests that come whole, and in pieces, and many at once', async () => {
  const hub = await hubGateway();
  const peer = await rawConnect(hub.apiPort);
  const statusOf = async () => (await peer.head()).slice(9, 12);
  const body = JSON.stringify({ target: 'http://127.0.0.1:1' });
  for (let round = 0; round < 3; round++) {
    peer.sendText(post(`/user/a${round}`, body));
    expect(await statusOf()).toBe('201');
    const text = post(`/user/b${round}`, body);
    peer.sendText(text.slice(0, 20));
    await hub.api('/unknown');
    peer.sendText(text.slice(20));
    expect(await statusOf()).toBe('201');
    peer.sendText(post(`/user/c${round}`, body) + request(`DELETE /api/routes/user/a${round}`));
    expect([await statusOf(), await statusOf()]).toEqual(['201', '204']);
  }
  peer.reset();
  const names = Object.keys(JSON.parse((await hub.api('')).body)).sort();
  expect(names).toEqual(['b', 'c'].flatMap((kind) => [0, 1, 2].map((round) => `/user/${kind}${round}`)));
});

test('a hub that has shown its token stays, whoever comes from its address', async () => {
  const hub = await hubGateway();
  const body = JSON.stringify({ target: 'http://127.0.0.1:1' });
  const served = await rawConnect(hub.apiPort);
  served.sendText(post('/user/served', body));
  expect(await served.head()).toMatch(/^HTTP\/1.1 201 /);
  const half = await rawConnect(hub.apiPort);
  const text = post('/user/half', body);
  half.sendText(text.slice(0, -body.length));
  // It is with Sluice when another has been served.
  await hub.api('/unknown');
  const strangers = [];
  for (let i = 0; i < 150; i++) strangers.push(await rawConnect(hub.apiPort));
  // Those that had to go have gone, and the last is there.
  await Promise.all(strangers.slice(0, 40).map(({ ended }) => ended));
  half.sendText(body);
  served.sendText(post('/user/served', body));
  for (const peer of [half, served]) expect(await peer.head()).toMatch(/^HTTP\/1.1 201 /);
  for (const peer of [half, served, ...strangers]) peer.reset();
});
