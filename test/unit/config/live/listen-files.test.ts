import { expect, test } from 'vitest';
import { judgeListenFiles, listenPaths } from '../../../../src/config/live/listen-files.ts';
import { clientCa, emptyList, one, revokedList, wild } from '../../../helpers/client-ca.ts';
import { cert, key } from '../../../helpers/test-certificate.ts';

const file = (name: string, text: string) => ({ file: name, bytes: Buffer.from(text) });
const tls = {
  cert: 'c',
  key: 'k',
  certificates: [
    { cert: 'wc', key: 'wk' },
    { cert: 'oc', key: 'ok' },
  ],
  clients: { ca: 'ca', crl: 'crl', isRequired: true },
};
const contents = [
  ...[
    file('c', cert),
    file('k', key),
    file('wc', wild.cert),
    file('wk', wild.key),
    file('oc', one.cert),
    file('ok', one.key),
  ],
  ...[file('ca', clientCa), file('crl', emptyList + revokedList)],
];

test('the paths are those whose contents are judged, in their order', () => {
  expect(listenPaths(tls)).toEqual(contents.map((content) => content.file));
  expect(listenPaths({ ...tls, clients: null })).toEqual(['c', 'k', 'wc', 'wk', 'oc', 'ok']);
  expect(listenPaths({ ...tls, certificates: [], clients: { ...tls.clients, crl: null } })).toEqual(['c', 'k', 'ca']);
});

test('a name is the first certificate that holds it, and every list of the file counts', () => {
  const judged = judgeListenFiles(tls, contents);
  if ('problem' in judged) throw new Error(judged.problem);
  const { named, clients } = judged.value.credentials;
  const owners = [...named].map(([name, pair]) => [name, [cert, wild.cert, one.cert].indexOf(String(pair.cert))]);
  expect(owners).toEqual([
    ['localhost', 0],
    ['*.wild.test', 1],
    ['one.test', 1],
    ['a.wild.test', 2],
  ]);
  expect(clients?.revoked).toHaveLength(2);
  expect(judged.value.facts).toMatchObject({
    names: expect.stringContaining('DNS:*.wild.test'),
    authorities: ['CN=Client CA'],
    crl_valid_until: expect.stringMatching(/^2126-/),
  });
});

test.each<[number, string, string]>([
  [3, key, 'listen.tls.certificates[0].key: wk is not the key of the certificate in wc'],
  [4, 'x', 'listen.tls.certificates[1].cert: oc holds no certificate; write the certificate and its chain in PEM'],
  [6, 'x', 'listen.tls.client_certificates.ca: ca holds no certificate; write those of the authorities in PEM'],
  [
    7,
    'x',
    'listen.tls.client_certificates.crl: crl holds no list of revoked certificates; write one of each authority in PEM',
  ],
])('what cannot be used is named: file %i', (at, text, problem) => {
  const broken = contents.with(at, file(contents[at]!.file, text));
  expect(judgeListenFiles(tls, broken)).toEqual({ problem });
});
