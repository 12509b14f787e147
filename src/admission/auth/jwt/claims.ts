/** What stands in the claims of a token. The issuer has signed them, and the configuration names them. */

/**
 * A claim by its name, or by the way to it: Keycloak keeps the roles of a realm in `roles` of `realm_access`, which is
 * `realm_access.roles` here. Names may hold dots themselves. `undefined` where there is none.
 */
export function claimOf(claims: object, name: string): unknown {
  if (Object.hasOwn(claims, name)) return (claims as Readonly<Record<string, unknown>>)[name];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const key = name.slice(0, dot);
    const inner = Object.hasOwn(claims, key) ? (claims as Readonly<Record<string, unknown>>)[key] : null;
    const found = typeof inner === 'object' && inner !== null ? claimOf(inner, name.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Claims that are lists in one text (RFC 8693 §4.2; Microsoft's name for it). */
const spaced = new Set(['scope', 'scp']);

/** The values of a claim: those of a list, or the one that it is. */
export function valuesOfClaim(name: string, claim: unknown): readonly unknown[] {
  if (Array.isArray(claim)) return claim;
  return typeof claim === 'string' && spaced.has(name) ? claim.split(' ') : [claim];
}
