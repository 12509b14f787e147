/** Lists of tens of kilobytes in a header: refused by their number of elements, and before anybody takes them apart. */
import { afterEach, expect, test, vi } from 'vitest';
import { fakeUpstream, switching, switchingOrOk } from '../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../helpers/raw-client.ts';

/** Nearly the largest head. */
const bytes = 60_000;
/** One after the other, each another name, and elements of one byte. */
const elements = {
  names: Array.from({ length: bytes / 5 }, (_, i) => i.toString(36)).join(','),
  commas: ','.repeat(bytes),
  addresses: new Array<string>(bytes / 8).fill('1.1.1.1').join(','),
};

const request = (method: string, name: string, list: string) =>
  `${method} / HTTP/1.1\r\nHost: gateway.test\r\n${name}: ${list}\r\n\r\n`;
const asked: Readonly<Record<string, (name: string, list: string) => string>> = {
  'a request of the fast lane': (name, list) => request('GET', name, list),
  'a request of the careful lane': (name, list) => request('PROPFIND', name, list),
  'a handshake': (name, list) =>
    handshakeRequest({
      headers: name === 'Connection' ? { Connection: `Upgrade,${list}` } : { [name]: list },
    }),
};

afterEach(() => void vi.restoreAllMocks());

const cases = Object.keys(asked).flatMap((what) =>
  ['Connection', 'X-Forwarded-For', 'X-Forwarded-Proto', 'Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions'].flatMap(
    (name) => [[] as string[], ['127.0.0.1']].map((trustedProxies) => ({ what, name, trustedProxies })),
  ),
);

test.each(cases)(
  '$what with $name, from one of the proxies $trustedProxies',
  async ({ what, name, trustedProxies }) => {
    await using upstream = await fakeUpstream({ answer: switchingOrOk });
    await using sluice = await startGateway({ routes: [routeTo(upstream)], trustedProxies });
    const takenApart: number[] = [];
    const { split } = String.prototype;
    vi.spyOn(String.prototype, 'split').mockImplementation(function (this: string, ...args) {
      if (this.length > bytes / 2) takenApart.push(this.length);
      return split.apply(this, args as never);
    });
    // What is for WebSockets alone is passed on by a GET unread.
    const passes = what === 'a request of the fast lane' && name.startsWith('Sec-');
    for (const list of Object.values(elements)) {
      const peer = await rawConnect(sluice.port);
      peer.sendText(asked[what]!(name, list));
      expect((await peer.head()).slice(9, 12)).toBe(passes ? '200' : '400');
      if (!passes) {
        const detail = `${name.toLowerCase()} has more than 100 elements`;
        expect(await sluice.logged('refused')).toMatchObject({ result: 'bad_request', detail });
      }
      peer.socket.destroy();
    }
    expect(takenApart).toEqual([]);
    expect(upstream.accepted > 0).toBe(passes);
  },
);

const refused = (line: string) => `HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n${line}\r\n\r\n`;
const answered = [
  { what: 'a request of the fast lane', ask: request('GET', 'X', 'x'), answer: refused },
  { what: 'a request of the careful lane', ask: request('PROPFIND', 'X', 'x'), answer: refused },
  { what: 'a handshake', ask: handshakeRequest(), answer: switching },
  {
    what: 'a handshake of the careful lane',
    ask: handshakeRequest({ path: 'http://gateway.test/' }),
    answer: switching,
  },
  { what: 'a handshake that is refused', ask: handshakeRequest(), answer: refused },
  {
    what: 'a handshake of the careful lane that is refused',
    ask: handshakeRequest({ path: 'http://gateway.test/' }),
    answer: refused,
  },
].flatMap((one) => ['Connection', 'Upgrade', 'Sec-WebSocket-Extensions'].map((name) => ({ ...one, name })));

test.each(answered)('the answer to $what with $name', async ({ ask, answer, name }) => {
  let list = '';
  const answerTo = (asked: string) => {
    const line = `${name}: ${list}`;
    return answer === refused ? refused(line) : switching(asked, line);
  };
  await using upstream = await fakeUpstream({ answer: answerTo });
  await using sluice = await startGateway({ routes: [routeTo(upstream)] });
  for (const [kind, long] of Object.entries(elements)) {
    list = long;
    // What is for WebSockets alone is passed on unread where there is none, and commas name no extension.
    const passes = name.startsWith('Sec-') && (answer === refused || kind === 'commas');
    const status = passes ? (answer === refused ? 403 : 101) : 502;
    const takenApart: number[] = [];
    const { split } = String.prototype;
    const splits = vi.spyOn(String.prototype, 'split').mockImplementation(function (this: string, ...args) {
      // The upstream of this test takes its requests apart, and those are short.
      if (this.length > bytes / 2) takenApart.push(this.length);
      return split.apply(this, args as never);
    });
    const peer = await rawConnect(sluice.port);
    peer.sendText(ask);
    expect((await peer.head()).slice(9, 12)).toBe(String(status));
    splits.mockRestore();
    expect(takenApart).toEqual([]);
    peer.reset();
  }
});
