/** A certificate and its key, as files hold them: whether they fit, and what they are. No I/O. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Result } from '../language/result.ts';
import { type FileContent, whyUnreadable } from './read.ts';

/** PEM texts that fit, and what the log may say of them. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly names: string;
  readonly validUntil: Date;
}

/** The keys of the configuration that name a pair. */
interface PairKeys {
  readonly section: string;
  readonly cert: string;
  readonly key: string;
}

const listenKeys: PairKeys = { section: 'listen.tls', cert: 'listen.tls.cert', key: 'listen.tls.key' };

/** Judges what the two files hold; `problem` names the key, the file and the remedy. */
export function judgePair(cert: FileContent, key: FileContent, keys: PairKeys = listenKeys): Result<TlsPair> {
  if ('error' in cert) return { problem: `${keys.cert}: ${cert.file} ${whyUnreadable(cert.error)}` };
  if ('error' in key) return { problem: `${keys.key}: ${key.file} ${whyUnreadable(key.error)}` };
  const pems = { cert: cert.bytes, key: key.bytes };
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pems.cert);
  } catch {
    return {
      problem: `${keys.cert}: ${cert.file} holds no certificate; write the certificate and its chain in PEM`,
    };
  }
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(pems.key))) {
      return { problem: `${keys.key}: ${key.file} is not the key of the certificate in ${cert.file}` };
    }
  } catch {
    return { problem: `${keys.key}: ${key.file} holds no private key without a passphrase; write one in PEM` };
  }
  try {
    createSecureContext({ ...pems, minVersion: 'TLSv1.2' });
  } catch (error) {
    return { problem: `${keys.section}: ${cert.file} and ${key.file} cannot be used: ${(error as Error).message}` };
  }
  const { subjectAltName, subject, validTo } = certificate;
  // OpenSSL writes "Bad time value" for what is no time.
  const validUntil = new Date(validTo);
  if (Number.isNaN(validUntil.getTime())) {
    return { problem: `${keys.cert}: ${cert.file} does not say until when it is valid; write another certificate` };
  }
  return { value: { ...pems, names: subjectAltName ?? subject ?? '', validUntil } };
}
