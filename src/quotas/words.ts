/**
 * What goes wrong with a store, in words for the log. A server quotes what it was asked in its errors (`unknown command
 * 'AUTH', with args beginning with: …`), so of an answer to credentials nothing is shown but the code.
 */
import type { ReplyError } from './resp.ts';

/** By the code of the error. */
const known: ReadonlyMap<string, string> = new Map([
  ['NOAUTH', 'it asks for a password; name its file in quotas.password_file'],
  ['WRONGPASS', 'it does not accept the password, or the user; correct quotas.password_file or quotas.username'],
  [
    'NOPERM',
    'the user may not do what quotas need; docs/scaling.md has the rules of an ACL for it, and quotas.prefix the keys',
  ],
  ['READONLY', 'it is a replica, which takes nothing; name the primary in quotas.store'],
  ['MASTERDOWN', 'it is a replica that has lost its primary; name the primary in quotas.store'],
  ['NOREPLICAS', 'it has too few replicas to take anything (min-replicas-to-write)'],
  ['MISCONF', 'it cannot save to its disk, and takes nothing until it can'],
  ['OOM', 'it has no memory left (maxmemory); give it more, or a policy that evicts'],
  ['BUSY', "somebody's script runs for too long in it"],
  ['LOADING', 'it is still reading its data'],
  ['MOVED', 'it is a node of a cluster that has not these keys; name the node that has, or a server of its own'],
  ['CLUSTERDOWN', 'its cluster is down'],
  ['DENIED', 'it is in protected mode, and serves its own machine alone; give it a password'],
  ['WRONGTYPE', 'somebody else keeps something under the keys of quotas.prefix; write another prefix'],
]);

/** It says so before it has read anything. */
const tooMany = 'ERR max number of clients reached';

/** The error of a server; `isQuoted` where it may hold what nobody shall read. */
export function errorWords({ text }: ReplyError, isQuoted: boolean): string {
  if (text.startsWith(tooMany)) return `${tooMany}; raise its maxclients`;
  const code = /^[A-Z]{2,20}(?=\s|$)/.exec(text)?.[0] ?? 'an error without a code';
  const words = known.get(code);
  if (words !== undefined) return `${code}: ${words}`;
  if (isQuoted) return `${code}: it does not take the credentials`;
  return text;
}
