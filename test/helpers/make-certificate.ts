/**
 * Makes certificates that no tool would make, for tests alone: any subject and any alternative names, byte for byte,
 * signed by a CA that is made for the run (RFC 5280). Curves are P-256, and DER is written by hand.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Pem } from './client-ca.ts';

/** An attribute of a subject: its OID, and its value in UTF-8 unless it is given as bytes. */
export type Attribute = readonly [oid: string, value: string | Buffer];

/** An alternative name: 1 is an email address, 2 a host, 6 a URI (RFC 5280 §4.2.1.6); bytes as they are. */
export type AlternativeName = readonly [tag: 1 | 2 | 6, value: string | Buffer];

export interface CertificateOptions {
  readonly subject: readonly Attribute[];
  readonly names?: readonly AlternativeName[];
  readonly from?: Date;
  readonly until?: Date;
  readonly serial?: number;
}

export interface TestCa {
  /** Its certificate, in PEM. */
  readonly cert: string;
  /** A certificate of a client, and its key. */
  issue(options: CertificateOptions): Pem;
  /** A list of what is revoked, in PEM. */
  revoke(...serials: readonly number[]): string;
}

/** OIDs of attributes. */
export const oid = {
  cn: '2.5.4.3',
  o: '2.5.4.10',
  ou: '2.5.4.11',
  serialNumber: '2.5.4.5',
  uid: '0.9.2342.19200300.100.1.1',
  email: '1.2.840.113549.1.9.1',
} as const;

const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'));
const distantPast = new Date('2020-01-01T00:00:00Z');
const distantFuture = new Date('2120-01-01T00:00:00Z');

/** Makes an authority. */
export function makeCa(name = 'Test CA'): TestCa {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = [[oid.cn, name]] as const;
  const constraints = extension('2.5.29.19', sequence(Buffer.from('0101ff', 'hex')), true);
  const own = { subject, serial: 1 };
  const cert = certificate(own, subject, keys.publicKey, keys.privateKey, [constraints]);
  let last = 1;
  return {
    cert,
    issue(options) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = options.names?.map(([tag, value]) => tlv(0x80 | tag, bytes(value)));
      const extensions = names === undefined ? [] : [extension('2.5.29.17', sequence(...names))];
      const known = { serial: ++last, ...options };
      return {
        cert: certificate(known, subject, publicKey, keys.privateKey, extensions),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      };
    },
    revoke(...serials) {
      const entries = serials.map((serial) => sequence(integer(serial), time(distantPast)));
      const list = entries.length === 0 ? [] : [sequence(...entries)];
      const body = sequence(
        integer(1),
        ecdsaWithSha256,
        nameOf(subject),
        time(distantPast),
        time(distantFuture),
        ...list,
      );
      return pem('X509 CRL', signed(body, keys.privateKey));
    },
  };
}

function certificate(
  { subject, serial = 1, from = distantPast, until = distantFuture }: CertificateOptions,
  issuer: readonly Attribute[],
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Buffer[],
): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha1').update(spki).digest();
  const all = [...extensions, extension('2.5.29.14', tlv(0x04, keyId))];
  const body = sequence(
    tlv(0xa0, integer(2)),
    integer(serial),
    ecdsaWithSha256,
    nameOf(issuer),
    sequence(time(from), time(until)),
    nameOf(subject),
    spki,
    tlv(0xa3, sequence(...all)),
  );
  return pem('CERTIFICATE', signed(body, signer));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  return sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, key)])));
}

function nameOf(subject: readonly Attribute[]): Buffer {
  return sequence(...subject.map(([type, value]) => tlv(0x31, sequence(objectId(type), tlv(0x0c, bytes(value))))));
}

function extension(type: string, value: Buffer, isCritical = false): Buffer {
  const critical = isCritical ? [Buffer.from('0101ff', 'hex')] : [];
  return sequence(objectId(type), ...critical, tlv(0x04, value));
}

function bytes(value: string | Buffer): Buffer {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), value]);
  const digits = Buffer.from(length.toString(16).padStart(length < 0x100 ? 2 : length < 0x10000 ? 4 : 6, '0'), 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, value]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const digits = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tlv(0x02, digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

function objectId(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** RFC 5280 §4.1.2.5: two digits of the year until 2049, then four. */
function time(date: Date): Buffer {
  const text = `${date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`;
  const isShort = date.getUTCFullYear() < 2050;
  return tlv(isShort ? 0x17 : 0x18, Buffer.from(isShort ? text.slice(2) : text));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
