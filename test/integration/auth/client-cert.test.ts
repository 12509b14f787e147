/** Certificates of clients as credentials, over real TLS, in both lanes and for WebSocket connections. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { LateClock } from '../../../src/front/late-clock.ts';
import { emptyList, type Pem } from '../../helpers/client-ca.ts';
import { ConfigMapVolume } from '../../helpers/config-map.ts';
import { type FakeUpstream, fakeUpstream, headersOf, switching } from '../../helpers/fake-upstream.ts';
import { startGatewayOf } from '../../helpers/gateway.ts';
import { makeCa, oid, type TestCa } from '../../helpers/make-certificate.ts';
import { Peer } from '../../helpers/peer.ts';
import { handshakeRequest } from '../../helpers/raw-client.ts';
import { cert, key } from '../../helpers/test-certificate.ts';

let folder: string;
let files: Record<string, string>;
let secret: ConfigMapVolume;
let ca: TestCa;
const revokedSerial = 4711;

beforeEach(() => {
  ca = makeCa();
  folder = mkdtempSync(join(tmpdir(), 'client-cert-'));
  secret = new ConfigMapVolume(folder);
  files = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca.cert, 'ca.crl': ca.revoke(revokedSerial) };
  secret.swap(files);
});
afterEach(() => rmSync(folder, { recursive: true }));

const subject = [
  [oid.cn, 'anna'],
  [oid.o, 'science'],
] as const;

function start(upstream: FakeUpstream, { listen = '', auth = '{client_cert: {}}', required = false } = {}) {
  const path = (name: string) => secret.path(name);
  return startGatewayOf(`
listen:
  address: "127.0.0.1:0"
  tls:
    cert: ${path('tls.crt')}
    key: ${path('tls.key')}
    client_certificates: {ca: ${path('ca.crt')}, crl: ${path('ca.crl')}, required: ${required}}
  ${listen}
admin: {address: "127.0.0.1:0"}
routes:
  - name: test
    upstream: http://127.0.0.1:${upstream.port}
    auth: [${auth}]
    identity_headers: {user: X-User}
`);
}

async function open(port: number, pem: Pem | null, options: ConnectionOptions = {}): Promise<Peer> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...pem, ...options });
  await once(socket, 'secureConnect');
  return new Peer(socket);
}

/** The status of the answer; `none` where the connection ends without one. */
async function statusOf(port: number, pem: Pem | null, text: string): Promise<string> {
  const peer = await open(port, pem);
  peer.sendText(text);
  const status = await peer.head().then(
    (head) => head.slice(9, 12),
    () => 'none',
  );
  peer.socket.destroy();
  return status;
}

const ok = () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
const request = (target = '/', lines: readonly string[] = [], version = '1.1') =>
  [`GET ${target} HTTP/${version}`, 'Host: gateway.test', ...lines, '', ''].join('\r\n');

/** What each lane and kind of request begins with, and what lets it in. */
const ways = [
  ['in the fast lane', request('/', ['X_User: root', 'x-user: root']), '200', ok],
  ['in the careful lane', request('/', ['X_User: root', 'x-user: root'], '1.0'), '200', ok],
  ['by WebSocket', handshakeRequest({ headers: { X_User: 'root', 'x-user': 'root' } }), '101', undefined],
  // An absolute target is not of the strict form.
  [
    'by WebSocket in the careful lane',
    handshakeRequest({ headers: { 'X-User': 'root' } }).replace('GET /', 'GET http://gateway.test/'),
    '101',
    undefined,
  ],
] as const;

describe.each(ways)('%s', (_, text, good, answer) => {
  test('a good certificate names its user, and no other comes in', async () => {
    await using upstream = await fakeUpstream({ answer });
    await using sluice = await start(upstream, { auth: '{client_cert: {match: {subject.O: [science]}}}' });
    expect(await statusOf(sluice.port, ca.issue({ subject }), text)).toBe(good);
    expect(headersOf((await upstream.next()).request, 'X-User')).toEqual(['anna']);
    const bad: readonly (readonly [Pem | null, string])[] = [
      [null, '401'],
      [ca.issue({ subject: [[oid.cn, 'anna']] }), '401'],
      [ca.issue({ subject: [...subject, [oid.cn, 'root']] }), '401'],
      [
        ca.issue({
          subject: [
            [oid.cn, 'anna\r\nX-User: root'],
            [oid.o, 'science'],
          ],
        }),
        '401',
      ],
      [ca.issue({ subject, names: [[1, 'x'.repeat(60_000)]] }), '401'],
      [ca.issue({ subject, until: new Date('2021-01-01T00:00:00Z') }), 'none'],
      [ca.issue({ subject, from: new Date('2119-01-01T00:00:00Z') }), 'none'],
      [ca.issue({ subject, serial: revokedSerial }), 'none'],
      // Another authority of the same name.
      [makeCa().issue({ subject }), 'none'],
    ];
    for (const [pem, status] of bad) expect(await statusOf(sluice.port, pem, text)).toBe(status);
    expect(upstream.accepted).toBe(1);
    const metrics = await sluice.metrics();
    for (const [kind, result, count] of [
      ['client_cert', 'admitted', 1],
      ['none', 'no_credentials', 1],
      ['client_cert', 'claim', 1],
      ['client_cert', 'several', 1],
      ['client_cert', 'malformed', 1],
      ['client_cert', 'too_long', 1],
    ] as const) {
      expect(metrics).toContain(`sluice_auth_total{route="test",kind="${kind}",result="${result}"} ${count}`);
    }
    expect(metrics).toMatch(/sluice_handshakes_total\{.*result="certificate_refused"\} 4/);
  });
});

test('the certificate stays with its connection where another lane takes it over', async () => {
  await using upstream = await fakeUpstream({ answer: ok });
  await using sluice = await start(upstream, { auth: '{client_cert: {user_field: subject.O}}', required: true });
  const peer = await open(sluice.port, ca.issue({ subject }));
  for (const target of ['/', 'http://gateway.test/', '/']) {
    peer.sendText(request(target));
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 200 /);
    await peer.bytes(2);
  }
  peer.socket.destroy();
});

test('a proxy that is trusted shows who it is, and not who asks', async () => {
  await using upstream = await fakeUpstream({ answer: ok });
  await using sluice = await start(upstream, { listen: 'trusted_proxies: [127.0.0.0/8]' });
  expect(await statusOf(sluice.port, ca.issue({ subject }), request())).toBe('401');
});

test('behind a load balancer that passes TLS through it is the certificate of the client', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream, { listen: 'proxy_protocol: [127.0.0.0/8]' });
  const socket = connectTcp(sluice.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write('PROXY TCP4 192.0.2.7 192.0.2.1 1000 443\r\n');
  const peer = await open(0, ca.issue({ subject }), { socket });
  peer.sendText(handshakeRequest());
  expect(await peer.head()).toMatch(/^HTTP\/1\.1 101 /);
  expect(await sluice.logged('open')).toMatchObject({ user: 'anna', client: '192.0.2.7' });
  peer.socket.destroy();
});

test('an open connection ends with its certificate', async () => {
  await using upstream = await fakeUpstream();
  await using sluice = await start(upstream);
  // Certificates know whole seconds.
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 5000);
  const live = await open(sluice.port, ca.issue({ subject, until }));
  live.sendText(handshakeRequest());
  expect(await live.head()).toMatch(/^HTTP\/1\.1 101 /);
  const { payload } = await live.frame();
  expect([payload.readUInt16BE(0), payload.subarray(2).toString()]).toEqual([1008, expect.stringContaining('expired')]);
  expect(Date.now()).toBeGreaterThanOrEqual(until.getTime());
  live.socket.destroy();
});

describe('when the rules change', () => {
  /** A gateway that does not know yet that the certificate is revoked. */
  async function startBefore(upstream: FakeUpstream) {
    secret.swap({ ...files, 'ca.crl': ca.revoke() });
    const sluice = await start(upstream, { auth: '{client_cert: {}}, {header: X-Never}' });
    await sluice.logged('tls_loaded');
    return sluice;
  }
  const revoked = () => ca.issue({ subject, serial: revokedSerial });

  test.each(['1.1', '1.0'])('a connection that is kept takes no request more: HTTP/%s', async (version) => {
    await using upstream = await fakeUpstream({ answer: ok });
    await using sluice = await startBefore(upstream);
    const text = request('/', version === '1.0' ? ['Connection: keep-alive'] : [], version);
    const kept = await open(sluice.port, revoked());
    kept.sendText(text);
    expect(await kept.head()).not.toMatch(/connection: close/i);
    await kept.bytes(2);
    const stranger = await open(sluice.port, null);
    secret.swap(files);
    await sluice.logged('tls_loaded');
    expect(await kept.rest()).toHaveLength(0);
    expect(await statusOf(sluice.port, revoked(), text)).toBe('none');
    // Who has shown none is judged by nothing that has changed.
    stranger.sendText(text);
    expect(await stranger.head()).toMatch(/^HTTP\/1\.1 401 /);
    stranger.socket.destroy();
  });

  test('one on which nothing was asked yet, or half a request, opens no WebSocket connection', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await startBefore(upstream);
    const [silent, half] = [await open(sluice.port, revoked()), await open(sluice.port, revoked())];
    const text = handshakeRequest();
    half.sendText(text.slice(0, -2));
    secret.swap(files);
    await sluice.logged('tls_loaded');
    half.sendText(text.slice(-2));
    silent.sendText(text);
    for (const peer of [half, silent]) expect(await peer.rest()).toHaveLength(0);
    expect(upstream.accepted).toBe(0);
  });

  test.each(['1.1', '1.0'])('a request under way is answered, and is the last one: HTTP/%s', async (version) => {
    await using upstream = await fakeUpstream({ answer: () => null });
    await using sluice = await startBefore(upstream);
    const kept = await open(sluice.port, revoked());
    const first = request('/', version === '1.0' ? ['Connection: keep-alive'] : [], version);
    kept.sendText(first + handshakeRequest());
    const peer = await upstream.next();
    secret.swap(files);
    await sluice.logged('tls_loaded');
    peer.sendText(ok());
    expect(await kept.head()).toMatch(/^HTTP\/1\.1 200 /);
    expect((await kept.rest()).toString()).toBe('ok');
    expect(upstream.accepted).toBe(1);
  });

  // An absolute target is not of the strict form.
  const lanes = [
    ['fast', '/'],
    ['careful', 'http://gateway.test/'],
  ] as const;

  test.each(lanes)('what comes before its turn to end is no request, in the %s lane', async (_, target) => {
    // Its turn does not come.
    const look = vi.spyOn(LateClock.prototype, 'look').mockImplementation(() => {});
    onTestFinished(() => look.mockRestore());
    await using upstream = await fakeUpstream({ answer: (text) => switching(text) });
    await using sluice = await startBefore(upstream);
    const handshake = handshakeRequest({ path: target });
    const [silent, half] = [await open(sluice.port, revoked()), await open(sluice.port, revoked())];
    half.sendText(handshake.slice(0, -2));
    secret.swap(files);
    await sluice.logged('tls_loaded');
    half.sendText(handshake.slice(-2));
    silent.sendText(handshake);
    for (const peer of [half, silent]) expect(await peer.rest()).toHaveLength(0);
    expect(upstream.accepted).toBe(0);
  });

  test.each(lanes)(
    'one whose body goes on behind the answer takes no request behind it, in the %s lane',
    async (_, target) => {
      await using upstream = await fakeUpstream({
        answer: (text) => (text.startsWith('POST') ? ok() : switching(text)),
      });
      await using sluice = await startBefore(upstream);
      const kept = await open(sluice.port, revoked());
      kept.sendText(`${request(target, ['Content-Length: 10']).replace('GET', 'POST')}begun`);
      (await upstream.next()).end();
      expect(await kept.head()).not.toMatch(/connection: close/i);
      await kept.bytes(2);
      secret.swap(files);
      await sluice.logged('tls_loaded');
      kept.sendText(`-over${handshakeRequest()}`);
      expect(await kept.rest()).toHaveLength(0);
      expect(upstream.accepted).toBe(1);
    },
  );
});

test('a list of another authority lets no certificate in', async () => {
  secret.swap({ ...files, 'ca.crl': emptyList });
  await using upstream = await fakeUpstream({ answer: ok });
  await using sluice = await start(upstream);
  expect(await statusOf(sluice.port, ca.issue({ subject }), request())).toBe('none');
  expect(await sluice.logged('refused')).toMatchObject({ detail: 'UNABLE_TO_GET_CRL' });
});
