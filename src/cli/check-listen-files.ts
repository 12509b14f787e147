/** Whether the files of `listen.tls` can be used, for `sluice check`. */
import { X509Certificate } from 'node:crypto';
import { judgeClients } from '../config/live/listen-files.ts';
import { type FileContent, readFiles } from '../config/live/read.ts';
import { judgePair } from '../config/live/tls-pair.ts';
import type { Resolved } from '../config/model/resolved.ts';
import type { ListenTls } from '../config/types.ts';
import { type FileFinding, isOneAbsent } from './file-findings.ts';

/** Reads the certificates and keys, and the authorities of clients; `now` is in milliseconds since 1970. */
export async function checkListenFiles(
  { listen: { tls } }: Pick<Resolved, 'listen'>,
  now: number,
): Promise<FileFinding[]> {
  if (tls === null) return [];
  return [...(await checkPairs(tls, now)), ...(await checkClients(tls, now))];
}

async function checkPairs({ cert, key, certificates }: ListenTls, now: number): Promise<FileFinding[]> {
  const pairs = [{ at: 'listen.tls', cert, key }, ...certificates.map((one, i) => ({ at: atCertificate(i), ...one }))];
  const found = pairs.map(async ({ at, ...pair }): Promise<FileFinding[]> => {
    const [certFile, keyFile] = (await readFiles([pair.cert, pair.key])) as [FileContent, FileContent];
    const keys = { section: at, cert: `${at}.cert`, key: `${at}.key` };
    const judged = judgePair(certFile, keyFile, keys);
    if ('problem' in judged) return [foundIn(judged.problem, [certFile, keyFile])];
    return expiredIn(certFile, keys.cert, now);
  });
  return (await Promise.all(found)).flat();
}

function atCertificate(i: number): string {
  return `listen.tls.certificates[${i}]`;
}

async function checkClients({ clients }: ListenTls, now: number): Promise<FileFinding[]> {
  if (clients === null) return [];
  const { ca, crl } = clients;
  const contents = await readFiles(crl === null ? [ca] : [ca, crl]);
  const judged = judgeClients(clients, contents);
  if ('problem' in judged) return [foundIn(judged.problem, contents)];
  const expired = expiredIn(contents[0]!, 'listen.tls.client_certificates.ca', now);
  const { listsEnd } = judged.value;
  if (listsEnd === null || listsEnd.getTime() > now) return expired;
  const problem = `listen.tls.client_certificates.crl: ${crl} holds a list that was good until ${listsEnd.toISOString()}, so no certificate of its authority comes in; let that make a new one`;
  return [...expired, { problem, isAbsent: false }];
}

function foundIn(problem: string, contents: readonly FileContent[]): FileFinding {
  return { problem, isAbsent: isOneAbsent(contents) };
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Certificates of a file that was judged, the chain among them, which nobody accepts any more. */
function expiredIn(content: FileContent, key: string, now: number): FileFinding[] {
  if ('error' in content) return [];
  const pems = content.bytes.toString('latin1').match(pemCertificate) ?? [];
  return pems.flatMap((pem): FileFinding[] => {
    const { validToDate, subject } = new X509Certificate(pem);
    if (validToDate.getTime() > now) return [];
    const name = (subject ?? '').replaceAll('\n', ', ');
    const problem = `${key}: ${content.file} holds a certificate (${name}) that has expired on ${validToDate.toISOString()}; renew it`;
    return [{ problem, isAbsent: false }];
  });
}
