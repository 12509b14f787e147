/** Suites of TLS 1.2 that no port of Sluice's own may speak, by the key of the certificate that they are for. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import { rsaCertificate, rsaKey } from './rsa-certificate.ts';
import { cert, key } from './test-certificate.ts';

interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** A suite that is spoken with it. */
  readonly strong: string;
}

const rsa = { cert: rsaCertificate, key: rsaKey, strong: 'ECDHE-RSA-AES128-GCM-SHA256' };
const ecdsa = { cert, key, strong: 'ECDHE-ECDSA-AES128-GCM-SHA256' };

/** Without forward secrecy, or without authenticated encryption. */
export const weakSuites: readonly (readonly [name: string, pair: KeyPair, suites: readonly string[]])[] = [
  ['RSA', rsa, ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA256', 'DHE-RSA-AES128-GCM-SHA256']],
  ['ECDSA', ecdsa, ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES128-SHA256']],
];

/** Those of these suites that are spoken at a port of this machine. */
export async function spokenOf(suites: readonly string[], port: number): Promise<string[]> {
  const spoken: string[] = [];
  for (const suite of suites) {
    const where = { port, host: '127.0.0.1', servername: 'localhost', ca: [cert, rsaCertificate] };
    // At level 0, or this client would not offer all of them.
    const socket = connect({ ...where, maxVersion: 'TLSv1.2', ciphers: `${suite}:@SECLEVEL=0` });
    const agreed = await once(socket, 'secureConnect').then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (!/HANDSHAKE_FAILURE|NO_CIPHERS/.test(error.code ?? '')) throw error;
        return false;
      },
    );
    if (agreed) spoken.push(socket.getCipher().name);
    socket.on('error', () => {}).destroy();
  }
  return spoken;
}
