/**
 * The certificate that a client has shown, and that one of the authorities vouches for: what it says of its holder.
 * Most routes never ask, so nothing is read before somebody does.
 */
import type { X509Certificate } from 'node:crypto';
import { type CertificateField, certificateFields } from '../../../config/types.ts';
import type { ShownCertificate } from '../../peer.ts';

/** A name, a host and a dozen alternative names have 2 KB; reading a long list of them over and over is work for us. */
const longest = 16 * 1024;

type Values = Readonly<Record<CertificateField, readonly string[]>>;

/** What an alternative name begins with, as Node prints it, and the field that it is (RFC 5280 §4.2.1.6). */
const kinds: ReadonlyMap<string, CertificateField> = new Map([
  ['email', 'san.email'],
  ['DNS', 'san.dns'],
  ['URI', 'san.uri'],
]);

export class ClientCertificate implements ShownCertificate {
  readonly #certificate: X509Certificate;
  #values: Values | null = null;

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate;
  }

  get isTooLong(): boolean {
    return this.#certificate.raw.length > longest;
  }

  get expiresAtMs(): number {
    return this.#certificate.validToDate.getTime();
  }

  values(field: CertificateField): readonly string[] {
    this.#values ??= read(this.#certificate);
    return this.#values[field];
  }
}

function read(certificate: X509Certificate): Values {
  const values = Object.fromEntries(certificateFields.map((field): [string, string[]] => [field, []])) as Record<
    CertificateField,
    string[]
  >;
  const subject = certificate.toLegacyObject().subject as unknown as Record<string, string | string[]>;
  for (const field of certificateFields) {
    if (field.startsWith('subject.')) values[field].push(...[subject[field.slice('subject.'.length)] ?? []].flat());
  }
  for (const [kind, value] of alternativeNames(certificate.subjectAltName ?? '')) {
    const field = kinds.get(kind);
    if (field !== undefined) values[field].push(value);
  }
  return values;
}

/**
 * The names as Node prints them, `email:anna@example.org, URI:"a\u002c b"`: what has a comma, a quote or another odd
 * character in it stands in quotes, as JSON, so no name can pass for two.
 */
function alternativeNames(text: string): [kind: string, value: string][] {
  const found = text.matchAll(/(?:^|, )([^:,"]+):(?:"((?:[^"\\]|\\.)*)"|([^",]*))(?=, |$)/g);
  return [...found].map(([, kind, quoted, plain]) => [
    kind!,
    quoted === undefined ? plain! : (JSON.parse(`"${quoted}"`) as string),
  ]);
}
