import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import type { FileContent } from '../../../../src/config/live/read.ts';
import { judgePair } from '../../../../src/config/live/tls-pair.ts';
import { cert, key, renewedKey } from '../../../helpers/test-certificate.ts';

const file = (name: string, text: string): FileContent => ({ file: name, bytes: Buffer.from(text) });
const missing = (name: string): FileContent => ({ file: name, error: Object.assign(new Error(), { code: 'ENOENT' }) });

test('a certificate and its key fit, and say for whom and until when', () => {
  expect(judgePair(file('c', cert), file('k', key))).toEqual({
    value: {
      cert: Buffer.from(cert),
      key: Buffer.from(key),
      names: 'DNS:localhost',
      validUntil: new Date('2126-10-28T06:35:31Z'),
    },
  });
});

const encrypted = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();

/** The certificate with a last day that no month has. OpenSSL loads it. */
function withoutEnd(): string {
  const der = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  der.write('21269928063531Z', der.indexOf('21261028063531Z'));
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

test.each([
  ['a certificate that is not there', missing('c'), file('k', key), 'listen.tls.cert: c does not exist'],
  ['a key that is not there', file('c', cert), missing('k'), 'listen.tls.key: k does not exist'],
  [
    'a file without a certificate',
    file('c', key),
    file('k', key),
    'listen.tls.cert: c holds no certificate; write the certificate and its chain in PEM',
  ],
  [
    'a file without a key',
    file('c', cert),
    file('k', cert),
    'listen.tls.key: k holds no private key without a passphrase; write one in PEM',
  ],
  [
    'a key with a passphrase',
    file('c', cert),
    file('k', encrypted),
    'listen.tls.key: k holds no private key without a passphrase; write one in PEM',
  ],
  [
    'the key of another certificate',
    file('c', cert),
    file('k', renewedKey),
    'listen.tls.key: k is not the key of the certificate in c',
  ],
  [
    'a certificate whose last day is none',
    file('c', withoutEnd()),
    file('k', key),
    'listen.tls.cert: c does not say until when it is valid; write another certificate',
  ],
  [
    'a chain that ends in the middle',
    file('c', `${cert}${cert.slice(0, 100)}`),
    file('k', key),
    expect.stringMatching(/^listen\.tls: c and k cannot be used: /),
  ],
])('%s is told of', (_what, certFile, keyFile, problem) => {
  expect(judgePair(certFile, keyFile)).toEqual({ problem });
});
