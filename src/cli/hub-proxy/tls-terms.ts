/**
 * How TLS is spoken with clients and with the hub: CHP's --ssl-protocol, --ssl-ciphers and --ssl-dhparam, which hold
 * for its public port and its API alike. What is broken is refused, whatever the flags say.
 */
import { createSecureContext } from 'node:tls';
import { whyUnreadable } from '../../config/live/read.ts';
import type { TlsTerms } from '../../config/types.ts';
import { readSmallFile } from '../../files.ts';

/** The flags as they were given; `null` where one was not. */
export interface TlsFlags {
  readonly protocol: string | null;
  readonly ciphers: string | null;
  readonly dhparam: string | null;
}

/** Names of versions, as OpenSSL's methods are called. */
const versions: ReadonlyMap<string, Pick<TlsTerms, 'minVersion' | 'maxVersion'>> = new Map([
  ['TLS', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }],
  ['SSLv23', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }],
  ['TLSv1_2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
  ['TLSv1_3', { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' }],
]);

/** Whoever lists suites does not ask for those that hide nothing, or from nobody. */
const never = ['!aNULL', '!eNULL', '!EXPORT', '!DES', '!3DES', '!RC4', '!MD5', '!PSK', '!SRP'];
/** The suites of TLS 1.3 are no part of OpenSSL's lists: they stay, unless some are named. */
const suitesOf13 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];
/** An agreed key by plain Diffie-Hellman is for those alone who give a group for it. */
const withGroup = [
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ...['DHE-RSA-AES128-GCM-SHA256', 'DHE-RSA-AES256-GCM-SHA384', 'DHE-RSA-CHACHA20-POLY1305'],
];
/** Shorter ones are within reach (RFC 9325 §4.4). */
const leastGroupBits = 2048;
const rightSuites =
  'name some as `openssl ciphers -v` lists them, such as ECDHE-RSA-AES128-GCM-SHA256, or leave the flag out';
/** A group is a few hundred bytes. */
const mostGroupBytes = 64 * 1024;

/** Why a version is none of ours; `null` where it is. */
export function protocolProblem(name: string): string | null {
  if (versions.has(name)) return null;
  return `--ssl-protocol ${name} is not honoured: older versions are broken; write TLS, TLSv1_2 or TLSv1_3`;
}

/** What the flags say, or why it cannot be so. */
export async function termsOf({ protocol, ciphers, dhparam }: TlsFlags): Promise<TlsTerms | { problem: string }> {
  const version = versions.get(protocol ?? 'TLS')!;
  let terms: TlsTerms = version;
  if (ciphers !== null) {
    const listed = ciphers.split(/[:, ]+/).filter(Boolean);
    const names13 = listed.some((name) => name.startsWith('TLS_'));
    terms = { ...terms, ciphers: [...(names13 ? [] : suitesOf13), ...listed, ...never].join(':') };
    const problem = /@SECLEVEL=[01]\b/i.test(ciphers) ? 'lets broken ones in by its level' : problemWith(terms);
    if (problem !== null) return { problem: `--ssl-ciphers ${JSON.stringify(ciphers)} ${problem}; ${rightSuites}` };
  }
  if (dhparam === null) return terms;
  try {
    const group = await readSmallFile(dhparam, mostGroupBytes);
    const bits = bitsOf(group.toString('latin1'));
    if (bits < leastGroupBits) {
      const what = bits === 0 ? 'holds no DH PARAMETERS in PEM' : `is a group of ${bits} bits, and 2048 are the least`;
      return { problem: `--ssl-dhparam ${dhparam} ${what}; make one with openssl dhparam -out FILE 2048` };
    }
    return { ...terms, dhparam: group, ciphers: terms.ciphers ?? [...suitesOf13, ...withGroup].join(':') };
  } catch (error) {
    return { problem: `--ssl-dhparam ${dhparam} ${whyUnreadable(error as Error)}; name a file that can be read` };
  }
}

/** How long the prime of a group is; 0 for what is no group. Node passes over what it cannot read. */
function bitsOf(pem: string): number {
  const [, text] = /-----BEGIN DH PARAMETERS-----([\w+/=\s]+)-----END DH PARAMETERS-----/.exec(pem) ?? [];
  const der = Buffer.from(text ?? '', 'base64');
  const sequence = elementAt(der, 0, 0x30);
  const prime = sequence === null ? null : elementAt(der, sequence.start, 0x02);
  if (prime === null) return 0;
  // A positive number whose first bit is set has a byte of zero before it.
  const first = der.findIndex((byte, i) => i >= prime.start && byte !== 0);
  return first < 0 || first >= prime.end ? 0 : (prime.end - first) * 8 - (Math.clz32(der[first]!) - 24);
}

/** An element of DER with a definite length (X.690 §8.1.3). */
function elementAt(der: Buffer, at: number, tag: number): { readonly start: number; readonly end: number } | null {
  const short = der[at + 1];
  if (der[at] !== tag || short === undefined) return null;
  const lengthBytes = short < 0x80 ? 0 : short - 0x80;
  const start = at + 2 + lengthBytes;
  if (lengthBytes > 4 || start > der.length) return null;
  const length = lengthBytes === 0 ? short : der.readUIntBE(at + 2, lengthBytes);
  return start + length > der.length ? null : { start, end: start + length };
}

/** What OpenSSL has against them, in words that follow the list. */
function problemWith(terms: TlsTerms): string | null {
  try {
    createSecureContext(terms);
    return null;
  } catch (error) {
    const { message } = error as Error;
    if (!message.includes('no cipher match')) return `is no list that OpenSSL takes (${message})`;
    return 'holds no suite that is known and not broken';
  }
}
