/** Names that announce a secret: of values, of segments of paths, of words in the middle of others. */

/** A name that contains one of these names a secret. */
const inName =
  /token|secret|passw|passphrase|passcode|pwd|credential|jwt|signature|api[_-]?key|access[_-]?key|private[_-]?key|sess(?:ion)?[_-]?id|auth(?!or)|bearer|ticket|nonce|otp|csrf|xsrf|cookie|assertion/i;
/** Shorter ones must be the whole name, or its last word. */
const lastInName = /(?:^|[_.-])(?:pw|pass|key|sid|sig|code|hmac)$/i;
/** As a segment of a path, these have a secret behind them. Others of the above are ordinary names of pages. */
const segment =
  /^(?:[\w-]*[_-])?(?:tokens?|secrets?|password|passwd|passphrase|pwd|pw|credentials?|jwt|bearer|api[_-]?keys?|key|sid|session[_-]?id|otp|ticket)$/i;
/** As a segment, these have a page behind them, or a secret that looks like one. */
const doubtfulSegment =
  /^(?:[\w-]*[_-])?(?:auth|oauth2?|saml|sso|session|login|sign-?in|invite|invitation|reset|verify|activate|activation|confirm|magic|unsubscribe|share)$/i;
/** Something in capitals or with digits, and no file: no page is called so. */
const likeSecret = /^(?=.*[\dA-Z])(?!.*\.[a-z]{1,5}$)[\w.~-]{8,}$/;
/** A word that has its secret behind whatever separates the two. */
const before =
  /(?<![a-z])(?:tokens?|bearer|basic|secrets?|passw(?:or)?ds?|passphrase|passcode|pwd|pw|jwt|api[_-]?keys?|access[_-]?keys?|private[_-]?keys?|credentials?|key|sid|session[_-]?id|otp|ticket)(?:[:/\\](?!\s)|[^a-z\d:/\\]+(?=.{5}))(?=.)/i;

/** Whether a value of this name is a secret. */
export function isSecretName(name: string): boolean {
  const bare = name.replace(/[[\]\s]/g, '');
  return inName.test(bare) || lastInName.test(bare);
}

/** Whether the segment of a path behind this one is a secret, whatever it is. */
export function isSecretSegment(text: string): boolean {
  return segment.test(text);
}

/** Whether the segment of a path behind this one is a secret because of what it looks like. */
export function isSecretBehind(text: string, next: string): boolean {
  return doubtfulSegment.test(text) && likeSecret.test(next);
}

/** Where in a text a secret begins that a word before it announces; -1 for nowhere. */
export function findAnnounced(text: string): number {
  const match = before.exec(text);
  return match === null ? -1 : match.index + match[0].length;
}
