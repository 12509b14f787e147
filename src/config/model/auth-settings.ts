/** What is built in for `auth`. */
export const builtInAuth = {
  /** As long as most issuers let theirs be kept; a key that is not among them is looked for at once. */
  jwksMs: 10 * 60_000,
  /** Clocks that NTP keeps differ by less. */
  leewayMs: 30_000,
  userClaim: 'sub',
  groupsClaim: 'groups',
  userField: 'subject.CN',
  onExpiry: 'close',
  requestHeaders: ['Authorization', 'Cookie'],
  userHeader: 'X-Auth-Request-User',
  groupsHeader: 'X-Auth-Request-Groups',
  timeoutMs: 5000,
  /** A user who was removed from the hub still comes in for as long. */
  hubCacheMs: 60_000,
} as const;
