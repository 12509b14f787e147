/**
 * What the files of `listen.tls` hold: certificates by their names, and who may vouch for clients. They count whole or
 * not at all. No I/O.
 */
import { createSecureContext } from 'node:tls';
import type { Result } from '../language/result.ts';
import type { ListenTls } from '../types.ts';
import { type FileContent, whyUnreadable } from './read.ts';
import { nextUpdateOf } from './revocation-list.ts';
import { judgePair, type TlsPair } from './tls-pair.ts';
import { judgeAuthorities } from './upstream-files.ts';

/** A certificate with its chain and the key, both PEM. */
export interface PemPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Which certificates of clients count: their authorities, and what these have revoked; PEM each. */
export interface ClientTrust {
  readonly authorities: readonly string[];
  readonly revoked: readonly string[];
  /** Whether a client without one is turned away. */
  readonly isRequired: boolean;
}

/** What the public port secures its connections by. */
export interface ListenCredentials extends PemPair {
  /** By the names that clients ask for: lower case, exact or `*.example.org`. */
  readonly named: ReadonlyMap<string, PemPair>;
  /** `null` asks clients for no certificate. */
  readonly clients: ClientTrust | null;
}

/** Files that can be used, and what the log may say of them. */
export interface ListenFiles {
  readonly credentials: ListenCredentials;
  readonly facts: {
    readonly names: string;
    readonly valid_until: string;
    readonly authorities?: readonly string[];
    readonly crl_valid_until?: string;
  };
}

/** The paths that are named, in the order in which `judgeListenFiles` takes their contents. */
export function listenPaths({ cert, key, certificates, clients }: ListenTls): string[] {
  const more = certificates.flatMap((one) => [one.cert, one.key]);
  return [cert, key, ...more, ...[clients?.ca, clients?.crl].filter((path) => typeof path === 'string')];
}

/** Judges what the files hold; `problem` names the key, the file and the remedy. */
export function judgeListenFiles(tls: ListenTls, contents: readonly FileContent[]): Result<ListenFiles> {
  const rest = [...contents];
  const take = () => rest.shift()!;
  const first = judgePair(take(), take());
  if ('problem' in first) return first;
  const pairs: TlsPair[] = [first.value];
  for (const i of tls.certificates.keys()) {
    const at = `listen.tls.certificates[${i}]`;
    const pair = judgePair(take(), take(), { section: at, cert: `${at}.cert`, key: `${at}.key` });
    if ('problem' in pair) return pair;
    pairs.push(pair.value);
  }
  const clients = tls.clients === null ? null : judgeClients(tls.clients, rest);
  if (clients !== null && 'problem' in clients) return clients;
  const ends = pairs.map(({ validUntil }) => validUntil.getTime());
  const { cert, key } = first.value;
  return {
    value: {
      credentials: { cert, key, named: byName(pairs), clients: clients?.value.trust ?? null },
      facts: {
        names: pairs.map(({ names }) => names).join('; '),
        valid_until: new Date(Math.min(...ends)).toISOString(),
        ...(clients && { authorities: clients.value.names }),
        ...(clients?.value.listsEnd && { crl_valid_until: clients.value.listsEnd.toISOString() }),
      },
    },
  };
}

/** Where several certificates hold a name, the first in the file has it. */
function byName(pairs: readonly TlsPair[]): ReadonlyMap<string, PemPair> {
  const named = new Map<string, PemPair>();
  for (const { names, cert, key } of pairs) {
    for (const part of names.split(', ')) {
      // Node quotes names with odd characters; nobody can ask for one.
      const name = /^DNS:([^"]+)$/.exec(part)?.[1]?.toLowerCase();
      if (name !== undefined && !named.has(name)) named.set(name, { cert, key });
    }
  }
  return named;
}

type Clients = NonNullable<ListenTls['clients']>;

interface JudgedClients {
  readonly trust: ClientTrust;
  readonly names: readonly string[];
  /** When the first of the lists is over; `null` where none says. */
  readonly listsEnd: Date | null;
}

/** Judges the authorities of clients, and what they have revoked. */
export function judgeClients({ crl, isRequired }: Clients, [ca, list]: readonly FileContent[]): Result<JudgedClients> {
  const authorities = judgeAuthorities(ca!, 'listen.tls.client_certificates.ca');
  if ('problem' in authorities) return authorities;
  const revoked = crl === null ? { value: [] } : judgeRevoked(list!);
  if ('problem' in revoked) return revoked;
  const { pems, names } = authorities.value;
  const ends = revoked.value.map(nextUpdateOf).filter((end) => end !== null);
  const listsEnd = ends.reduce<Date | null>((first, end) => (first === null || end < first ? end : first), null);
  return { value: { trust: { authorities: pems, revoked: revoked.value, isRequired }, names, listsEnd } };
}

const pemList = /-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g;

/** Node reads the first list of a text and says nothing of the rest, so each goes to it alone. */
function judgeRevoked(content: FileContent): Result<readonly string[]> {
  const where = `listen.tls.client_certificates.crl: ${content.file}`;
  if ('error' in content) return { problem: `${where} ${whyUnreadable(content.error)}` };
  const pems = content.bytes.toString('latin1').match(pemList) ?? [];
  if (pems.length === 0)
    return { problem: `${where} holds no list of revoked certificates; write one of each authority in PEM` };
  try {
    createSecureContext({ crl: pems });
  } catch {
    return { problem: `${where} holds a list that cannot be read; write one of each authority in PEM` };
  }
  return { value: pems };
}
