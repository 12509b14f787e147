/**
 * The keys of a cluster that lives for one run: an authority, the API server's certificate, an administrator, tokens.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Paths of the files made. */
export interface Certificates {
  readonly authority: string;
  readonly server: KeyPair;
  readonly administrator: KeyPair;
  /** Signs the tokens of service accounts. */
  readonly tokens: string;
}

/** A certificate and its key, as files. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Makes all of them in `directory` with openssl. */
export function makeCertificates(directory: string): Certificates {
  const pair = (name: string): KeyPair => ({
    certificate: join(directory, `${name}.crt`),
    key: join(directory, `${name}.key`),
  });
  const certify = (made: KeyPair, subject: string, ...rest: readonly string[]) =>
    openssl(
      ...['req', '-x509', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ...['-subj', subject, '-keyout', made.key, '-out', made.certificate, ...rest],
    );
  const authority = pair('authority');
  const signedBy = ['-CA', authority.certificate, '-CAkey', authority.key];
  const server = pair('server');
  const administrator = pair('administrator');
  const tokens = join(directory, 'tokens.key');
  certify(authority, '/CN=authority of one run', '-addext', 'keyUsage=critical,keyCertSign');
  certify(server, '/CN=kube-apiserver', '-addext', 'subjectAltName=IP:127.0.0.1', ...signedBy);
  // The group that RBAC lets do everything.
  certify(administrator, '/O=system:masters/CN=administrator', ...signedBy);
  openssl('genrsa', '-out', tokens, '2048');
  return { authority: authority.certificate, server, administrator, tokens };
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
