import { describe, expect, test } from 'vitest';
import { formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { findWarnings, type Warning } from '../../../../src/config/model/warnings.ts';

function warningsOf(route: string, top = ''): Warning[] {
  const loaded = loadConfig('f', `listen: {trusted_proxies: [10.0.0.0/8]}\n${top}routes:\n  - ${route}\n`);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  return findWarnings(loaded.resolved);
}

const app = (preset: string, more: string) => `{name: app, upstream: "http://h", preset: ${preset}, ${more}}`;
const clientSize = (size: string) => `limits: {client: {max_message_size: ${size}}}`;

test('no trusted proxies', () => {
  const loaded = loadConfig('f', 'routes: [{name: a, upstream: "http://h"}]');
  if ('errors' in loaded) throw new Error('not valid');
  expect(findWarnings(loaded.resolved)).toMatchObject([
    { subject: 'listen.trusted_proxies', message: expect.stringContaining('X-Forwarded-*') },
  ]);
  expect(warningsOf('{name: a, upstream: "http://h"}')).toEqual([]);
});

test('a bound for all buffers in which no request has room', () => {
  const of = (size: string) => warningsOf('{name: a, upstream: "http://h"}', `memory: {max_buffered: ${size}}\n`);
  expect(of('1MiB')).toEqual([]);
  expect(of('64KiB')).toMatchObject([
    { subject: 'memory.max_buffered', message: expect.stringMatching(/^is 64KiB, .* at least 1MiB\.$/) },
  ]);
});

describe("a client limit above the backend's own, with the setting that raises it", () => {
  test.each([
    [
      'panel',
      '21MiB',
      ['panel serve --websocket-max-message-size=22020096', 'pn.serve(..., websocket_max_message_size=22020096)'],
    ],
    [
      'bokeh',
      '21MiB',
      ['bokeh serve --websocket-max-message-size=22020096', 'Server(..., websocket_max_message_size=22020096)'],
    ],
    ['panel-fastapi', '17MiB', ['uvicorn --ws-max-size 17825792']],
    ['fastapi', '17MiB', ['uvicorn --ws-max-size 17825792']],
    ['uvicorn', '17MiB', ['uvicorn --ws-max-size 17825792']],
    [
      'jupyter',
      '11MiB',
      [
        'c.ServerApp.tornado_settings = {"websocket_max_message_size": 11534336}',
        'c.NotebookApp.tornado_settings = {"websocket_max_message_size": 11534336}   # Notebook classic',
      ],
    ],
    ['tornado', '11MiB', ['tornado.web.Application(..., websocket_max_message_size=11534336)']],
    ['websockets', '2MiB', ['serve(..., max_size=2097152)']],
    ['aiohttp', '5MiB', ['web.WebSocketResponse(max_msg_size=5242881)']],
    ['streamlit', '25000001', ['streamlit run app.py --server.maxWidgetStateSize=26']],
    ['marimo', '17MiB', []],
    ['jupyter-collaboration', '1073741825', []],
  ])('%s', (preset, size, settings) => {
    const warnings = warningsOf(app(preset, `limits: {client: {max_message_size: ${size}, max_fragments: 100000}}`));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toMatch(/^limits\.client\.max_message_size \S+ \(line 3\) is above the backend's own/);
    expect(warnings[0]!.settings).toEqual(settings);
    expect(warningsOf(app(preset, 'idle_timeout: off'))).toEqual([]);
  });

  test('unlimited asks for a size', () => {
    const [warning] = warningsOf(app('tornado', clientSize('unlimited')));
    expect(warning!.message).toContain('Write a size here');
    expect(warning!.settings).toEqual(['tornado.web.Application(..., websocket_max_message_size=BYTES)']);
  });

  test("beyond Tornado's read buffer the setting for single frames comes too", () => {
    expect(warningsOf(app('panel', clientSize('100MiB')))).toHaveLength(1);
    const [, second] = warningsOf(app('panel', clientSize('150MiB')));
    expect(second!.settings).toEqual(["pn.serve(..., http_server_kwargs={'max_buffer_size': 314572800})"]);
  });
});

test('a Panel route whose limit is below the chunks of FileDropper', () => {
  expect(warningsOf(app('panel', clientSize('9999999')))).toMatchObject([
    { message: expect.stringContaining('FileDropper') },
  ]);
  expect(warningsOf(app('panel', clientSize('10MB')))).toEqual([]);
  expect(warningsOf(app('bokeh', clientSize('1MB')))).toEqual([]);
});

test("a pause of the upstream that is shorter than the backend's patience", () => {
  const pause = (value: string) => `limits: {upstream: {max_pause: ${value}}}`;
  expect(warningsOf(app('uvicorn', pause('39s')))).toMatchObject([
    { message: expect.stringMatching(/waits for 40s: a page that sleeps .* Leave it out for 50s\.$/) },
  ]);
  expect(warningsOf(app('uvicorn', pause('40s')))).toEqual([]);
  expect(warningsOf(app('uvicorn', pause('off')))).toEqual([]);
  expect(warningsOf(app('tornado', pause('14m')))).toMatchObject([{ message: expect.stringContaining('for ever') }]);
  expect(warningsOf(app('tornado', pause('15m')))).toEqual([]);
  expect(warningsOf('{name: a, upstream: "http://h", limits: {upstream: {max_pause: 1s}}}')).toEqual([]);
  // Pausing the client is another thing.
  expect(warningsOf(app('uvicorn', 'limits: {client: {max_pause: 1s}}'))).toEqual([]);
});

test('too few fragments for the message size, for either sender', () => {
  const limits = (sender: string, n: number) =>
    `{name: a, upstream: "http://h", limits: {${sender}: {max_message_size: 1MiB, max_fragments: ${n}}}}`;
  expect(warningsOf(limits('client', 15))).toMatchObject([{ message: expect.stringContaining('Write 16 or more.') }]);
  expect(warningsOf(limits('upstream', 15))).toHaveLength(1);
  expect(warningsOf(limits('client', 16))).toEqual([]);
});

test('few fragments on a Jupyter route hurt the rooms that it brings', () => {
  expect(warningsOf(app('jupyter', 'limits: {client: {max_fragments: 1000}}')).map(({ subject }) => subject)).toEqual([
    'app-rooms',
  ]);
});

test('upstream pings where a ping counts as activity, told once', () => {
  expect(warningsOf(app('jupyter', 'ping: {upstream: 30s}'))).toMatchObject([
    { subject: 'app', message: expect.stringContaining('never culled') },
  ]);
  expect(warningsOf(app('jupyter-collaboration', 'ping: {upstream: 30s}'))).toHaveLength(1);
  expect(warningsOf(app('panel', 'ping: {upstream: 30s}'))).toEqual([]);
});

test('defaults that the preset overrides, unless the route says the same itself', () => {
  const top = 'defaults: {limits: {client: {max_message_size: 5MiB}}}\n';
  expect(warningsOf(app('panel', 'idle_timeout: off'), top)).toMatchObject([
    {
      subject: 'app',
      message: expect.stringMatching(
        /^defaults\.limits\.client\.max_message_size \(line 2\) does not hold here: preset panel sets 20MiB/,
      ),
    },
  ]);
  expect(warningsOf(app('panel', 'idle_timeout: off'), 'defaults: {drain: {close: spread}}\n')).toMatchObject([
    { message: expect.stringContaining('preset panel sets wait') },
  ]);
  expect(warningsOf(app('panel', clientSize('15MiB')), top)).toEqual([]);
  expect(
    warningsOf(app('panel', 'idle_timeout: off'), 'defaults: {limits: {client: {max_message_size: 20MiB}}}\n'),
  ).toEqual([]);
});

describe('a drain that has too little time', () => {
  const drained = (drain: string, more = '') =>
    warningsOf(`{name: a, upstream: "http://h"${more}}`, `drain: ${drain}\n`).map(({ message }) => message);

  test('for its spread', () => {
    expect(drained('{announce: 10s, spread: 30s, deadline: 50s}')).toEqual([]);
    const [message, ...others] = drained('{announce: 10s, spread: 30s, deadline: 49s}');
    expect(others).toEqual([]);
    expect(message).toBe(
      'drain.deadline 49s (line 2) is over before drain.announce (10s), drain.spread (30s) and the last goodbye ' +
        '(timeouts.close, 10s) are: connections are closed in a shorter time, more of them at once. Write 50s or more, and let ' +
        'whatever ends Sluice by force wait longer.',
    );
  });

  test('to wait for anybody', () => {
    const wait = ', drain: {close: wait}';
    expect(drained('{announce: 10s, deadline: 11s}', wait)).toEqual([]);
    expect(drained('{announce: 10s, deadline: 10s}', wait)).toMatchObject([
      expect.stringMatching(
        /^drain\.deadline 10s \(line 2\) is over before drain\.announce \(10s\) is, .* Write 11s or more/,
      ),
    ]);
  });
});

test('a certificate that nobody checks', () => {
  const skip = 'upstream_tls: {insecure_skip_verify: true}';
  expect(warningsOf(`{name: app, upstream: "https://h", ${skip}}`)).toMatchObject([
    {
      subject: 'app',
      message: expect.stringMatching(
        /^upstream_tls\.insecure_skip_verify true \(line 3\) takes any .* upstream_tls\.ca/,
      ),
    },
  ]);
  expect(warningsOf('{name: app, upstream: "https://h", upstream_tls: {insecure_skip_verify: false}}')).toEqual([]);
});

test('TLS settings for a backend that speaks plain HTTP, unless they are for all routes', () => {
  expect(warningsOf('{name: app, upstream: "http://h:80", upstream_tls: {server_name: b}}')).toMatchObject([
    {
      message:
        'upstream_tls.server_name b (line 3) does nothing: upstream speaks plain HTTP. Write https://h:80, or remove it.',
    },
  ]);
  expect(warningsOf('{name: app, upstream: "http://h"}', 'defaults: {upstream_tls: {ca: c}}\n')).toEqual([]);
});

test('what is said of routes is said of templates too', () => {
  const template = '{name: t, kind: other, auth: [{bearer: {file: f}}], upstream_tls: {insecure_skip_verify: true}}';
  const loaded = loadConfig('f', `routes_api: {address: "127.0.0.1:0", templates: [${template}]}`);
  if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join('\n'));
  const ofTemplate = findWarnings(loaded.resolved).filter(({ subject }) => subject === 't');
  expect(ofTemplate.map(({ message }) => message)).toEqual([
    expect.stringContaining('takes any certificate'),
    expect.stringContaining('there is no TLS in front'),
  ]);
  // Those that the file has not written are JupyterHub's, and nothing is wrong with them.
  const usual = loadConfig('f', 'routes_api: {address: "127.0.0.1:0"}');
  if ('errors' in usual) throw new Error('not valid');
  expect(findWarnings(usual.resolved).map(({ subject }) => subject)).toEqual(['listen.trusted_proxies']);
});

test.each([
  ['', 'backends see its address and http instead of https, which breaks OAuth redirects. Name'],
  ['tls: {cert: c, key: k}', 'backends see its address. Name'],
  ['proxy_protocol: [10.0.0.0/8]', 'backends see http instead of https, which breaks OAuth redirects. Name'],
])('without trusted proxies, and with {%s}, what is not known otherwise is told', (listen, message) => {
  const loaded = loadConfig('f', `listen: {${listen}}\nroutes: [{name: a, upstream: "http://h"}]`);
  if ('errors' in loaded) throw new Error(loaded.errors.map(({ message }) => message).join());
  const [first] = findWarnings(loaded.resolved);
  expect([first!.subject, first!.message]).toEqual(['listen.trusted_proxies', expect.stringContaining(message)]);
});

test('where TLS ends here and a PROXY protocol header names the client, nothing is missing', () => {
  const listen = 'listen: {tls: {cert: c, key: k}, proxy_protocol: [10.0.0.0/8]}';
  const loaded = loadConfig('f', `${listen}\nroutes: [{name: a, upstream: "http://h"}]`);
  if ('errors' in loaded) throw new Error(loaded.errors.map(({ message }) => message).join());
  expect(findWarnings(loaded.resolved)).toEqual([]);
});
