/** Who a user is, made fit to be shown, compared and sent on in a header. */
import type { AuthIdentity } from './types.ts';

/** No name of a person or a service is longer, in bytes. */
const longestName = 256;
/** With these a header still fits; whoever is in more groups is in too many to send. */
const mostGroups = 100;
/**
 * Control characters end lines, a bidirectional mark makes one name look like another, and what is not UTF-8 reads as
 * U+FFFD.
 */
const unfit = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffd]/u;

/** Whether a name can stand for a user. */
export function isFitName(name: string): boolean {
  return name !== '' && name === name.trim() && Buffer.byteLength(name) <= longestName && !unfit.test(name);
}

/** An identity; `null` where its name cannot stand for a user. Groups that cannot stand in a list are left out. */
export function identityOf(name: unknown, groups: unknown, expiresAtMs: number | null = null): AuthIdentity | null {
  if (typeof name !== 'string' || !isFitName(name)) return null;
  return { name, groups: fitGroups(groups), expiresAtMs };
}

/** A comma would make two groups of one, in whatever list the backend reads. */
function fitGroups(groups: unknown): string[] {
  if (!Array.isArray(groups)) return [];
  return groups
    .slice(0, mostGroups)
    .filter((group): group is string => typeof group === 'string' && isFitName(group) && !group.includes(','));
}

/** The first of some values that are wanted, for a line of the log. */
export function listed(values: readonly string[]): string {
  return values.length <= 5 ? values.join(', ') : `${values.slice(0, 5).join(', ')} and ${values.length - 5} more`;
}

/** What an identity takes in memory, in bytes at most. */
export function weighIdentity({ name, groups }: AuthIdentity): number {
  return groups.reduce((bytes, group) => bytes + weighText(group), weighText(name));
}

/** The same text as a string of its own: one that was cut out of a header keeps all of that, up to 64 KB. */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}

/** What a text takes in memory, in bytes at most. */
export function weighText(text: string): number {
  return 32 + 2 * text.length;
}

/** What lines of a head take in memory, in bytes at most. */
export function weighLines(lines: readonly (readonly [name: string, value: string])[]): number {
  return lines.reduce((bytes, [name, value]) => bytes + weighText(name) + weighText(value), 0);
}

/** A value as bytes of UTF-8, in the form in which Node and the fast lane write header values. */
export function fieldValue(text: string): string {
  return Buffer.from(text).toString('latin1');
}
