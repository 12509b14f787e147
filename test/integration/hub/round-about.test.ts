/** Ways round the token of the API, on one connection and in one message. */
import { expect, onTestFinished, test } from 'vitest';
import { type HubGateway, hubGateway, token } from '../../helpers/hub.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const right = `Authorization: token ${token}`;
const wrong = 'Authorization: token wrong';
const body = '{"target":"http://127.0.0.1:1"}';
const message = (first: string, lines: readonly string[], text = '') =>
  [first, 'Host: localhost', ...lines, '', text].join('\r\n');
const length = (text: string) => `Content-Length: ${text.length}`;

/** The statuses of all that comes back on one connection, and the paths of the table then. */
async function tell(hub: HubGateway, text: string): Promise<{ statuses: string[]; paths: string[] }> {
  const client = await rawConnect(hub.apiPort);
  onTestFinished(() => void client.socket.destroy());
  client.sendText(text);
  client.socket.end();
  const all = (await client.rest()).toString('latin1');
  const { body } = await hub.api('');
  return {
    statuses: [...all.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map(([, status]) => status!),
    paths: Object.keys(JSON.parse(body)),
  };
}

test('a request inside the body of one that is refused is none', async () => {
  const hub = await hubGateway();
  const inner = message('POST /api/routes/inner HTTP/1.1', [right, length(body)], body);
  for (const [first, lines] of [
    ['POST /api/routes/a HTTP/1.1', [wrong]],
    ['POST /api/routes/a HTTP/1.1', []],
    ['POST /nowhere HTTP/1.1', [right]],
    ['PUT /api/routes/a HTTP/1.1', [right]],
    ['DELETE /api/routes/a HTTP/1.1', [right]],
    ['GET /api/routes HTTP/1.1', [right]],
    ['POST /api/routes/a HTTP/1.1', [right, 'Transfer-Encoding: chunked']],
  ] as const) {
    const { statuses, paths } = await tell(hub, message(first, [...lines, length(inner)], inner));
    expect(statuses, first).toHaveLength(1);
    expect(paths, first).toEqual([]);
  }
});

test('the token of one request says nothing for those behind it, and neither does one in a trailer', async () => {
  const hub = await hubGateway();
  const post = (path: string, lines: readonly string[]) =>
    message(`POST /api/routes${path} HTTP/1.1`, [...lines, length(body)], body);
  const one = await tell(hub, post('/a', [right]) + post('/b', []) + post('/c', [wrong]));
  // Whether the connection goes on behind a refusal depends on whether the body has come by then.
  expect(one.statuses.slice(0, 2)).toEqual(['201', '403']);
  expect(one.paths).toEqual(['/a']);
  const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n${right}\r\n\r\n`;
  const trailing = ['Transfer-Encoding: chunked', 'Trailer: Authorization'];
  expect(await tell(hub, message('POST /api/routes/e HTTP/1.1', trailing, chunks))).toMatchObject({
    statuses: ['403'],
    paths: ['/a'],
  });
});

test('of two tokens the first is the one, and a list of them is none', async () => {
  const hub = await hubGateway();
  const get = (...lines: string[]) => tell(hub, message('GET /api/routes HTTP/1.1', lines));
  expect((await get(wrong, right)).statuses).toEqual(['403']);
  expect((await get(`${wrong}, token ${token}`)).statuses).toEqual(['403']);
  expect((await get(`${wrong} ${token}`)).statuses).toEqual(['403']);
  expect((await get(`Proxy-${right}`, `X-${right}`, `Cookie: token=${token}`)).statuses).toEqual(['403']);
});

test('a body that is promised and does not come keeps nobody from hearing that the token is wrong', async () => {
  const hub = await hubGateway();
  for (const more of [[], ['Expect: 100-continue']]) {
    const client = await rawConnect(hub.apiPort);
    onTestFinished(() => void client.socket.destroy());
    client.sendText(message('POST /api/routes/a HTTP/1.1', [wrong, 'Content-Length: 1000', ...more]));
    expect((await client.rest()).toString('latin1')).toContain('HTTP/1.1 403 ');
  }
});

test('a target that is told twice is the one that is judged', async () => {
  const hub = await hubGateway();
  const evil = 'http://169.254.169.254';
  const good = 'http://127.0.0.1:1';
  const twice = (...targets: string[]) => `{${targets.map((target) => `"target":"${target}"`).join(',')}}`;
  const set = (text: string) => hub.api('/a', { method: 'POST', body: text });
  expect((await set(twice(good, evil))).status).toBe(400);
  expect((await set(`{"t\\u0061rget":"${evil}"}`)).status).toBe(400);
  expect((await set(`{"target":"${good}","Target":"${evil}","__proto__":{"target":"${evil}"}}`)).status).toBe(201);
  expect((await set(twice(evil, good))).status).toBe(201);
  expect(JSON.parse((await hub.api('/a')).body)).toMatchObject({ target: good });
});
