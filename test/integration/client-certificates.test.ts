/** Several certificates by name on the public port, and certificates of clients. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ListenTls } from '../../src/config/types.ts';
import {
  anna,
  bert,
  clientCa,
  emptyList,
  expired,
  oldList,
  one,
  type Pem,
  revokedList,
  stranger,
  wild,
} from '../helpers/client-ca.ts';
import { ConfigMapVolume } from '../helpers/config-map.ts';
import { type FakeUpstream, fakeUpstream } from '../helpers/fake-upstream.ts';
import { frame } from '../helpers/frames.ts';
import { routeTo, startGateway } from '../helpers/gateway.ts';
import { Peer } from '../helpers/peer.ts';
import { handshakeRequest } from '../helpers/raw-client.ts';
import { cert, key } from '../helpers/test-certificate.ts';

let folder: string;
let secret: ConfigMapVolume;
const files = {
  'tls.crt': cert,
  'tls.key': key,
  'wild.crt': wild.cert,
  'wild.key': wild.key,
  'one.crt': one.cert,
  'one.key': one.key,
  'ca.crt': clientCa,
  'ca.crl': revokedList,
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
  secret = new ConfigMapVolume(folder);
  secret.swap(files);
});
afterEach(() => rmSync(folder, { recursive: true }));

const pair = (name: string) => ({ cert: secret.path(`${name}.crt`), key: secret.path(`${name}.key`) });

function start(upstream: FakeUpstream, tls: Partial<ListenTls>) {
  return startGateway({ routes: [routeTo(upstream)], tls: { ...pair('tls'), ...tls } });
}

async function open(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'localhost', ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function statusWith(port: number, pem: Pem | null, options: ConnectionOptions = {}): Promise<string> {
  const peer = new Peer(await open(port, { ...pem, ...options }));
  peer.sendText(handshakeRequest());
  const status = await peer.head().then(
    (head) => head.slice(9, 12),
    () => 'none',
  );
  peer.socket.destroy();
  return status;
}

describe('by the name that a client asks for', () => {
  const nameOf = async (port: number, servername: string | undefined) => {
    const socket = await open(port, servername === undefined ? { servername: '' } : { servername });
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };

  test('the first certificate that holds it is shown, and the default for all others', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, { certificates: [pair('wild'), pair('one')] });
    const seen: Record<string, string> = {};
    for (const name of [
      'localhost',
      'b.wild.test',
      'B.WILD.test',
      'a.wild.test',
      'a.b.wild.test',
      'wild.test',
      'one.test',
      'x.org',
    ])
      seen[name] = await nameOf(sluice.port, name);
    expect(seen).toEqual({
      localhost: 'localhost',
      'b.wild.test': 'wild',
      'B.WILD.test': 'wild',
      'a.wild.test': 'one',
      'a.b.wild.test': 'localhost',
      'wild.test': 'localhost',
      'one.test': 'wild',
      'x.org': 'localhost',
    });
    expect(await nameOf(sluice.port, undefined)).toBe('localhost');
    for (const name of ['__proto__', 'constructor', `${'x'.repeat(63)}.${'y'.repeat(63)}`]) {
      expect(await nameOf(sluice.port, name)).toBe('localhost');
    }
  });

  test('with the rules of the default, and a changed file is shown to the next', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, { certificates: [pair('wild')] });
    const socket = await open(sluice.port, { servername: 'a.wild.test', ALPNProtocols: ['h2', 'http/1.1'] });
    expect([socket.getProtocol(), socket.alpnProtocol]).toEqual(['TLSv1.3', 'http/1.1']);
    socket.destroy();
    const tls11 = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(open(sluice.port, { servername: 'a.wild.test', ...tls11 })).rejects.toThrow(/alert protocol version/);
    await sluice.logged('tls_loaded');
    secret.swap({ ...files, 'wild.crt': one.cert, 'wild.key': one.key });
    await sluice.logged('tls_loaded');
    expect(await nameOf(sluice.port, 'a.wild.test')).toBe('one');
    secret.swap({ ...files, 'wild.crt': wild.cert, 'wild.key': one.key });
    expect(await sluice.logged('tls_rejected')).toMatchObject({
      problem: `listen.tls.certificates[0].key: ${pair('wild').key} is not the key of the certificate in ${pair('wild').cert}`,
    });
    expect(await sluice.metrics()).toContain('\nsluice_files_rejected 1\n');
    expect(await nameOf(sluice.port, 'a.wild.test')).toBe('one');
  });
});

describe('a certificate of the client', () => {
  const clients = (isRequired: boolean, crl: string | null = secret.path('ca.crl')) => ({
    certificates: [pair('wild')],
    clients: { ca: secret.path('ca.crt'), crl, isRequired },
  });

  const names = ['localhost', 'a.wild.test'];
  const versions = ['TLSv1.2', 'TLSv1.3'] as const;

  test.each(names.flatMap((servername) => versions.map((version) => [servername, version] as const)))(
    'required: only a good one comes in, to %s by %s',
    async (servername, version) => {
      await using upstream = await fakeUpstream();
      await using sluice = await start(upstream, clients(true));
      const options = { servername, minVersion: version, maxVersion: version };
      expect(await statusWith(sluice.port, anna, options)).toBe('101');
      for (const [pem, detail] of [
        [bert, 'CERT_REVOKED'],
        [expired, 'CERT_HAS_EXPIRED'],
        [stranger, 'UNABLE_TO_GET_CRL'],
        [null, 'the client showed none'],
      ] as const) {
        expect(await statusWith(sluice.port, pem, options).catch(() => 'none')).toBe('none');
        expect(await sluice.logged('refused')).toMatchObject({
          result: 'certificate_refused',
          detail,
          client: '127.0.0.1',
        });
      }
      expect(upstream.accepted).toBe(1);
    },
  );

  test.each(versions)('optional: nobody needs one, and a bad one is refused: %s', async (version) => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, clients(false));
    const options = { minVersion: version, maxVersion: version };
    expect(await statusWith(sluice.port, null, options)).toBe('101');
    expect(await statusWith(sluice.port, anna, options)).toBe('101');
    for (const pem of [bert, expired, stranger])
      expect(await statusWith(sluice.port, pem, options).catch(() => 'none')).toBe('none');
    expect(upstream.accepted).toBe(2);
    expect(await sluice.metrics()).toMatch(/sluice_handshakes_total\{.*result="certificate_refused"\} 3/);
  });

  test.each(versions)('none resumes an earlier connection, by which a revoked one would go on: %s', async (version) => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, clients(true));
    // A session of one name is not resumed by another.
    const options = { ...bert, servername: 'localhost', minVersion: version, maxVersion: version };
    secret.swap({ ...files, 'ca.crl': emptyList });
    await sluice.logged('tls_loaded');
    await sluice.logged('tls_loaded');
    const sessions: Buffer[] = [];
    const first = connect({ port: sluice.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    first.on('session', (session) => sessions.push(session));
    await once(first, 'secureConnect');
    const peer = new Peer(first);
    peer.sendText(handshakeRequest());
    expect(await peer.head()).toMatch(/^HTTP\/1\.1 101 /);
    for (const session of sessions) {
      const again = await open(sluice.port, { ...options, session });
      expect(again.isSessionReused()).toBe(false);
      again.destroy();
    }
    secret.swap(files);
    await sluice.logged('tls_loaded');
    for (const session of [undefined, ...sessions]) {
      expect(await statusWith(sluice.port, bert, { ...options, session }).catch(() => 'none')).toBe('none');
    }
  });

  test('a list that is too old lets no certificate in, and those that are open go on', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, clients(false));
    await sluice.logged('tls_loaded');
    const live = new Peer(await open(sluice.port, { ...anna }));
    live.sendText(handshakeRequest());
    expect(await live.head()).toMatch(/^HTTP\/1\.1 101 /);
    const peer = await upstream.next();
    secret.swap({ ...files, 'ca.crl': oldList });
    await sluice.logged('tls_loaded');
    expect(await statusWith(sluice.port, anna)).toBe('none');
    expect(await sluice.logged('refused')).toMatchObject({ detail: 'CRL_HAS_EXPIRED' });
    expect(await statusWith(sluice.port, null)).toBe('101');
    peer.send(frame('still here'));
    expect((await live.frame()).payload.toString()).toBe('still here');
  });

  test('files that cannot be used leave what was in use, and the log says which', async () => {
    await using upstream = await fakeUpstream();
    await using sluice = await start(upstream, clients(true));
    for (const [name, text, problem] of [
      ['ca.crl', 'nothing', 'holds no list of revoked certificates; write one of each authority in PEM'],
      [
        'ca.crl',
        revokedList.replace('MI', 'AA'),
        'holds a list that cannot be read; write one of each authority in PEM',
      ],
      ['ca.crt', 'nothing', 'holds no certificate; write those of the authorities in PEM'],
    ] as const) {
      secret.swap({ ...files, [name]: text });
      const key = name === 'ca.crt' ? 'ca' : 'crl';
      expect(await sluice.logged('tls_rejected')).toMatchObject({
        problem: `listen.tls.client_certificates.${key}: ${secret.path(name)} ${problem}`,
      });
      expect(await statusWith(sluice.port, anna)).toBe('101');
      expect(await statusWith(sluice.port, bert).catch(() => 'none')).toBe('none');
    }
  });

  test('does not start without the files', async () => {
    await using upstream = await fakeUpstream();
    await expect(start(upstream, clients(true, join(folder, 'missing')))).rejects.toThrow(
      `listen.tls.client_certificates.crl: ${join(folder, 'missing')} does not exist`,
    );
  });
});
