/** What the files of `upstream_tls` hold: whether it can be used, and what it is. No I/O. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Result } from '../language/result.ts';
import { type Route, serviceOf, type UpstreamTarget, type UpstreamTls } from '../types.ts';
import { type FileContent, whyUnreadable } from './read.ts';
import { judgePair } from './tls-pair.ts';

/** The paths in an `upstream_tls`. */
export type UpstreamFiles = Pick<UpstreamTls, 'ca' | 'clientCert' | 'clientKey'>;

/** Something that is connected to, how TLS with it is made sure of, and the section of the file that says so. */
export interface SecuredTarget {
  readonly section: string;
  readonly upstream: UpstreamTarget;
  readonly upstreamTls: UpstreamTls;
}

/** What a route connects to over TLS: its backend, and the services that know its users. */
export function securedTargets({ upstream, upstreamTls, auth }: Route): readonly SecuredTarget[] {
  const services = (auth ?? []).flatMap((entry) => {
    const service = serviceOf(entry);
    return service === null
      ? []
      : { section: `auth.${entry.kind}`, upstream: service.target, upstreamTls: service.tls };
  });
  const all = [{ section: 'upstream_tls', upstream, upstreamTls }, ...services];
  return all.filter((target) => target.upstream.protocol === 'https:');
}

/** Files that can be used, and what the log may say of them. */
export interface UpstreamCredentials {
  readonly context: SecureContext;
  readonly facts: { readonly authorities?: readonly string[]; readonly client?: string; readonly valid_until?: string };
}

/** The paths that are named, in the order in which `judgeUpstreamFiles` takes their contents. */
export function pathsOf({ ca, clientCert, clientKey }: UpstreamFiles): string[] {
  return [ca, clientCert, clientKey].filter((path) => path !== null);
}

const pemCertificate = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** Judges what the files of a section hold; `problem` names the key, the file and the remedy. */
export function judgeUpstreamFiles(
  files: UpstreamFiles,
  contents: readonly FileContent[],
  section = 'upstream_tls',
): Result<UpstreamCredentials> {
  const rest = [...contents];
  const authorities = files.ca === null ? null : judgeAuthorities(rest.shift()!, `${section}.ca`);
  if (authorities !== null && 'problem' in authorities) return authorities;
  const [cert, key] = rest;
  const keys = { section, cert: `${section}.client_cert`, key: `${section}.client_key` };
  const pair = cert && key ? judgePair(cert, key, keys) : null;
  if (pair !== null && 'problem' in pair) return pair;
  const context = createSecureContext({
    // What the file names is trusted, also where it is no root: an intermediate, or the backend's own certificate.
    ...(authorities && { ca: [...authorities.value.pems], allowPartialTrustChain: true }),
    ...(pair && { cert: pair.value.cert, key: pair.value.key }),
  });
  return {
    value: {
      context,
      facts: {
        ...(authorities && { authorities: authorities.value.names }),
        ...(pair && { client: pair.value.names, valid_until: pair.value.validUntil.toISOString() }),
      },
    },
  };
}

/** Certificates of authorities, each PEM, and what they are called. */
export interface Authorities {
  readonly pems: readonly string[];
  readonly names: readonly string[];
}

/**
 * Judges a file of authorities, which `key` names. Node takes what it can read of such a file and says nothing of the
 * rest.
 */
export function judgeAuthorities(content: FileContent, key: string): Result<Authorities> {
  const where = `${key}: ${content.file}`;
  if ('error' in content) return { problem: `${where} ${whyUnreadable(content.error)}` };
  const pems = content.bytes.toString('latin1').match(pemCertificate) ?? [];
  if (pems.length === 0) return { problem: `${where} holds no certificate; write those of the authorities in PEM` };
  try {
    const certificates = pems.map((pem) => new X509Certificate(pem));
    return { value: { pems: certificates.map(String), names: certificates.map(nameOf) } };
  } catch {
    return { problem: `${where} holds a certificate that cannot be read; write those of the authorities in PEM` };
  }
}

function nameOf({ subject, subjectAltName }: X509Certificate): string {
  return (subject ?? subjectAltName ?? '').replaceAll('\n', ', ');
}
