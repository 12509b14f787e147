/** What stands in heads reaches the other side as it was written, both ways. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawClient } from '../../helpers/raw-client.ts';
import { type Answer, ask } from './ask.ts';
import { type ServerName, type Servers, startServers, type Way } from './servers.ts';

let servers: Servers;

beforeAll(async () => {
  servers = await startServers('hypercorn', 'uvicorn', 'gunicorn', 'tornado', 'aiohttp');
});

afterAll(() => servers?.[Symbol.asyncDispose]());

/** What comes of asking, for each of both ways. */
function both<T>(server: ServerName, how: (way: Way) => Promise<T>): Promise<T[]> {
  return Promise.all(servers.ways(server).map(how));
}

const fieldsOf = ({ fields }: Answer, wanted: string) => fields.filter(([name]) => name === wanted);

// As UTF-8 and as Latin-1, and bytes that are neither.
const names = ['c39c62756e672e637376', 'dc62756e672e637376', 'e383bbe697a5e69cac2e637376', 'fffe80'];
const places = ['before', 'behind'] as const;

describe.each(['hypercorn', 'uvicorn'] as const)('%s', (server) => {
  describe.each(places)('a file name beyond ASCII %s the length', (place) => {
    test.each(names)('%s arrives byte for byte', async (hex) => {
      const target = `/download?place=${place}&hex=${hex}`;
      const [direct, relayed] = await both(server, (way) => ask(way, { method: 'GET', target }));
      const expected = [
        ['content-disposition', `attachment; filename="${Buffer.from(hex, 'hex').toString('latin1')}"`],
      ];
      expect(fieldsOf(direct!, 'content-disposition')).toEqual(expected);
      expect(fieldsOf(relayed!, 'content-disposition')).toEqual(expected);
      expect(relayed).toMatchObject({ status: 200, body: 'a,b\n' });
    });
  });
});

describe('Tornado', () => {
  test.each(places)('a file name beyond ASCII %s the length arrives byte for byte', async (place) => {
    const target = `/download?place=${place}&name=${encodeURIComponent('Übung 日本.csv')}`;
    const [direct, relayed] = await both('tornado', (way) => ask(way, { method: 'GET', target }));
    expect(fieldsOf(direct!, 'content-disposition')[0]![1]).toMatch(/[\x80-\xff]/);
    expect(fieldsOf(relayed!, 'content-disposition')).toEqual(fieldsOf(direct!, 'content-disposition'));
    expect(relayed).toMatchObject({ status: 200, body: 'a,b\n' });
  });
});

describe.each([
  ['hypercorn', '/head'],
  ['uvicorn', '/head'],
  ['aiohttp', '/head'],
] as const)('%s', (server, target) => {
  const received = async (way: Way, lines: readonly string[]) => {
    const { status, body } = await ask(way, { method: 'GET', target, lines });
    expect(status).toBe(200);
    return JSON.parse(body) as [string, string][];
  };
  const named = (fields: readonly [string, string][], name: string) =>
    fields.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);

  test('gets two Cookie lines as two', async () => {
    const lines = ['Cookie: a=1; b=2', 'Accept: */*', 'Cookie: c=3'];
    const [direct, relayed] = await both(server, (way) => received(way, lines));
    expect(named(direct!, 'cookie')).toEqual(['a=1; b=2', 'c=3']);
    expect(named(relayed!, 'cookie')).toEqual(['a=1; b=2', 'c=3']);
  });

  test('gets as many header lines as it takes', async () => {
    // aiohttp refuses more than 128 by itself; Sluice adds six.
    const count = server === 'aiohttp' ? 110 : 200;
    const lines = Array.from({ length: count }, (_, i) => `X-Line: ${i}`);
    const [direct, relayed] = await both(server, (way) => received(way, lines));
    expect(named(direct!, 'x-line')).toHaveLength(count);
    expect(named(relayed!, 'x-line')).toEqual(named(direct!, 'x-line'));
  });

  test('gets bytes beyond ASCII as they were sent', async () => {
    const lines = [`X-User: ${Buffer.from('Zoë').toString('latin1')}`];
    const [direct, relayed] = await both(server, (way) => received(way, lines));
    expect(named(relayed!, 'x-user')).toEqual(named(direct!, 'x-user'));
  });
});

test('early hints come before the answer', async () => {
  const [direct, relayed] = await both('gunicorn', (way) => ask(way, { method: 'GET', target: '/hints' }));
  for (const answer of [direct!, relayed!]) {
    expect(answer).toMatchObject({ status: 200, body: 'after the hint' });
    expect(answer.interim).toMatchObject([{ startLine: expect.stringMatching(/^HTTP\/1\.1 103 /) }]);
    expect(answer.interim[0]!.fields).toContainEqual(['link', '</style.css>; rel=preload; as=style']);
  }
});

// traefik/traefik#2196 tells of a proxy that wrote escapes anew, for WebSockets alone.
describe.each(['hypercorn', 'uvicorn'] as const)('the target of %s', (server) => {
  test.each([
    '/%3A%2F%2F/%25/a%20b?x=%2F&y=a+b&z',
    '/files//home/x/../y/./z;v=1?',
    '/user/zo%C3%AB/%e6%97%a5?q=%22',
    "/-._~!$&'()*+,;=:@/?/?:@!$&'()*+,;=",
  ])('%s arrives as it was sent, for HTTP and for WebSockets', async (target) => {
    const [direct, relayed] = await both(server, async (way) => {
      const { body } = await ask(way, { method: 'GET', target });
      const client = await rawClient(way.port, { path: target, headers: { Host: way.host } });
      const told = (await client.frame()).payload.toString();
      client.socket.destroy();
      return [body, told];
    });
    expect(relayed).toEqual(direct);
    expect(direct![1]).toBe(direct![0]);
  });
});
