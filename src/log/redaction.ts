/**
 * Finds what looks like a secret in a text, and leaves it out.
 *
 * The text is cut into pieces at what separates parts of URLs and words of prose. Each piece is read as it stands and as it
 * is meant once its escapes are undone, as some server will read it: `token%253DX` is `token=X`. What is found is hidden, and
 * then the piece is shown as it was meant; a piece without a find is shown as it came.
 */

const hidden = '[redacted]';

/** Every other element of the parts is one of these. */
const delimiters = /([/\\?#&;,\s"'<>(){}|])/;
/** Where the value of `name=value` ends, and a query; a slash is a part of both, as base64 has them. */
const valueEnds = /[?#&;,\s"'<>(){}|]/;

/** A name that contains one of these names a secret. */
const secretWord =
  /token|secret|passw|passphrase|passcode|pwd|credential|jwt|signature|api[_-]?key|access[_-]?key|private[_-]?key|sess(?:ion)?[_-]?id|auth(?!or)|bearer|ticket|nonce|otp|csrf|xsrf|cookie|assertion/i;
/** Shorter ones must be the whole name, or its last word. */
const secretEnd = /(?:^|[_.-])(?:pw|pass|key|sid|sig|code|hmac)$/i;
/** As a segment of a path, these have a secret behind them. Others of the above are ordinary names of pages. */
const secretSegment =
  /^(?:[\w-]*[_-])?(?:token|secret|password|passwd|passphrase|pwd|pw|credentials?|jwt|bearer|api[_-]?key|key|sid|session[_-]?id|otp|ticket)$/i;
/** An authentication scheme, which has its credentials behind a blank. */
const scheme = /^(?:bearer|basic|negotiate|digest)$/i;

/** Most pieces of most paths: nothing can be found in them. */
const ordinary = /^[\w.~-]{1,11}$/;
/** A name and what separates it from its value. */
const assignment = /(?<![\w.\-[\]])([\w.\-[\]]+)(=|:(?!\s)|[/\\])(?=.)/gs;
/** A name whose value stands in another piece. */
const openAssignment = /(?<![\w.\-[\]])([\w.\-[\]]+)=$/;
/** `user:password@`. */
const userInfo = /(?<=\/\/)[^/?#\s"]*@/g;
/** Base64 of `{"`: JWTs and Bokeh's tokens begin with it. Whatever hangs on it belongs to it. */
const base64Json = /(?<![A-Za-z0-9])eyJ[\w-]{6,}[\w.~+=-]*/g;
/** Jupyter's token as a subprotocol. */
const jupyterToken = /(?<=v1\.token\.websocket\.jupyter\.org\.)\S+/g;
const word = /[\w+=-]{12,}/g;
const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;

/** A text of our own or of the configuration, in which a secret may be quoted, without what looks like one. */
export function withoutSecrets(text: string): string {
  return redact(text, false);
}

/** A text that a peer chose without what looks like a secret, or like what a program made up by chance. */
export function withoutLikelySecrets(text: string): string {
  return redact(text, true);
}

function redact(text: string, isForeign: boolean): string {
  const parts = text.replace(userInfo, `${hidden}@`).split(delimiters);
  /** Whether the next piece is a secret because of what stood before it, and whether the one before was. */
  let isNext = false;
  let isInside = false;
  for (let i = 0; i < parts.length; i += 2) {
    const before = parts[i - 1] ?? '';
    const after = parts[i + 1] ?? '';
    isInside &&= !valueEnds.test(before);
    const piece = parts[i]!;
    if (piece === '') continue;
    if (isNext || isInside || (isForeign && /[?#]/.test(before))) {
      parts[i] = hidden;
      [isNext, isInside] = [false, true];
      continue;
    }
    if (ordinary.test(piece)) {
      isNext = leadsToSecret(piece, after, isForeign);
      continue;
    }
    const meant = decode(piece);
    const found = redactPiece(meant, before, isForeign);
    if (found !== null) {
      parts[i] = found.shown;
      isInside = found.isAssigned;
    }
    isNext = leadsToSecret(meant, after, isForeign);
  }
  return parts.join('');
}

interface Found {
  readonly shown: string;
  /** It is the value of a name, which goes on behind a slash. */
  readonly isAssigned: boolean;
}

function redactPiece(meant: string, before: string, isForeign: boolean): Found | null {
  const at = meant.lastIndexOf('@');
  if (isForeign && meant.slice(0, Math.max(at, 0)).includes(':')) {
    const rest = meant.slice(at + 1);
    const found = redactPiece(rest, before, true);
    return { shown: `${hidden}@${found?.shown ?? rest}`, isAssigned: found?.isAssigned ?? false };
  }
  for (const { 0: whole, 1: name, 2: separator, index } of meant.matchAll(assignment)) {
    const isNamed =
      separator === '='
        ? isSecret(name!) || (isForeign && /[;&]/.test(before))
        : isForeign && isSecretBefore(name!, separator!);
    if (isNamed) return { shown: `${meant.slice(0, index + whole.length)}${hidden}`, isAssigned: true };
  }
  // A path that hides its query is still a path with a query.
  const query = isForeign ? meant.search(/[?#]/) : -1;
  if (query >= 0) return { shown: `${meant.slice(0, query + 1)}${hidden}`, isAssigned: true };
  let shown = meant.replace(userInfo, `${hidden}@`).replace(base64Json, hidden).replace(jupyterToken, hidden);
  if (isForeign) {
    shown = shown.replace(word, (one) => (isMadeUp(one) || isEncodedSecret(one) ? hidden : one));
  }
  return shown === meant ? null : { shown, isAssigned: false };
}

function isSecret(name: string): boolean {
  const bare = name.replace(/[[\]]/g, '');
  return secretWord.test(bare) || secretEnd.test(bare);
}

function isSecretBefore(name: string, separator: string): boolean {
  return separator === ':' ? isSecret(name) : secretSegment.test(name);
}

/** Whether what comes behind `after` is a secret because of `meant` before it. */
function leadsToSecret(meant: string, after: string, isForeign: boolean): boolean {
  if (after === '') return false;
  if (/\s/.test(after) && scheme.test(meant)) return true;
  const name = openAssignment.exec(meant)?.[1];
  if (name !== undefined && isSecret(name)) return !/[?#&;]/.test(after);
  return isForeign && /[/\\]/.test(after) && secretSegment.test(meant);
}

/** Undoes percent-encoding until nothing changes, or three times. */
function decode(text: string): string {
  let meant = text;
  for (let round = 0; round < 3 && meant.includes('%'); round++) {
    const before = meant;
    meant = before.replace(/(?:%[\da-f]{2})+/gi, decodeRun);
    if (meant === before) break;
  }
  return meant;
}

function decodeRun(escapes: string): string {
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString();
}

/** Shorter ones can be guessed. */
const leastMadeUp = 20;

/**
 * Whether a program made this word up by chance: letters of both cases and digits follow each other too often for a name.
 * UUIDs name kernels and sessions, and are no secrets.
 */
function isMadeUp(text: string): boolean {
  const left = text.replace(uuid, '');
  if (left.length < leastMadeUp || !/\d/.test(left)) return false;
  const kinds = left.replace(/[^A-Za-z\d]/g, '').replace(/[a-z]+|[A-Z]+|\d+/g, (run) => run[0]!);
  return kinds.length >= left.length / 4;
}

/** Whether it is base64 or hex of a text that holds a secret. */
function isEncodedSecret(text: string): boolean {
  return (['base64', 'hex'] as const).some((encoding) => {
    const decoded = Buffer.from(text, encoding).toString('latin1');
    return decoded.length >= 6 && /^[\x20-\x7e]+$/.test(decoded) && /[:={]/.test(decoded);
  });
}
