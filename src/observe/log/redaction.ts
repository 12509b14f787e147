/**
 * Finds what looks like a secret in a text, and leaves it out.
 *
 * A text that a peer chose is cut into pieces at what separates parts of URLs and words of prose. Each piece is read as
 * it is meant once its escapes are undone, as some server will read it: `token%253DX` is `token=X`. What is found is
 * hidden, and then the piece is shown as it was meant; a piece without a find is shown as it came.
 */
import { isEncodedSecret, isMadeUp } from './likely-secrets.ts';
import { findAnnounced, isSecretBehind, isSecretName, isSecretSegment } from './secret-names.ts';

const hidden = '[redacted]';

/** `user:password@`. */
const userInfo = /(?<=\/\/)[^/?#\s"]*@/g;
const words = /[^\s"]+/g;
const schemeEnd = /(?<=\w)(?<!\bfile):\/\//;
/** Base64 of `{"`: JWTs and Bokeh's tokens begin with it. Whatever hangs on it belongs to it. */
const base64Json = /(?<![A-Za-z0-9])eyJ[\w-]{6,}[\w.~+=-]*/g;
/** Jupyter's token as a subprotocol. */
const jupyterToken = /(?<=v1\.token\.websocket\.jupyter\.org\.)\S+/g;
const assignments = /(?<![\w.\-[\]])([\w.\-[\]]+)=[^?#&;,\s"'<>(){}|]+/g;

/** A text of our own or of the configuration, in which a secret may be quoted, without what looks like one. */
export function withoutSecrets(text: string): string {
  return text
    .replace(words, withoutWrittenUser)
    .replace(userInfo, `${hidden}@`)
    .replace(assignments, (whole, name: string) => (isSecretName(name) ? `${name}=${hidden}` : whole))
    .replace(base64Json, hidden)
    .replace(jupyterToken, hidden);
}

/**
 * A URL as somebody has written it, without its user and password. One that is not escaped may hold what ends it in a
 * right URL, and so all goes up to the last `@`: rather too much. The files of a stack trace have neither.
 */
function withoutWrittenUser(word: string): string {
  const begin = schemeEnd.exec(word);
  const end = word.lastIndexOf('@');
  if (begin === null || end < begin.index) return word;
  return `${word.slice(0, begin.index)}://${hidden}${word.slice(end)}`;
}

/** Every other element of the parts is one of these. */
const delimiters = /([/\\?#&;,\s"'<>(){}|])/;
/** Where the value of `name=value` ends, and a query; a slash is a part of both, as base64 has them. */
const valueEnds = /[?#&;,\s"'<>(){}|]/;
/** Most pieces of most paths: nothing can be found in them. */
const ordinary = /^[\w.~-]{1,11}$/;
/** What somebody could write in a second is no secret. */
const longestHarmless = 4;

/** A text that a peer chose without what looks like a secret, or like what a program made up by chance. */
export function withoutLikelySecrets(text: string): string {
  const parts = text.replace(userInfo, `${hidden}@`).split(delimiters);
  /** Whether the next piece is a secret because of what stood before it, and whether the one before was. */
  let isNext = false;
  let isInside = false;
  let previous = '';
  for (let i = 0; i < parts.length; i += 2) {
    const before = parts[i - 1] ?? '';
    const after = parts[i + 1] ?? '';
    isInside &&= !valueEnds.test(before);
    const piece = parts[i]!;
    if (piece === '') continue;
    // The rest of a header is its value, whatever it is made of.
    if (/^(?:proxy-)?authorization:$|^(?:set-)?cookie:$/i.test(piece))
      return `${parts.slice(0, i + 1).join('')} ${hidden}`;
    // `"token": "X"`: what stands between the two is no value.
    if (isNext && /^[:=]+$/.test(piece)) continue;
    const meant = ordinary.test(piece) ? piece : decode(piece);
    if (meant === null || isNext || isInside || /[?#]/.test(before) || isBehind(previous, before, meant)) {
      parts[i] = hidden;
      [isNext, isInside] = [false, true];
    } else {
      const found = redactPiece(piece, meant, before);
      if (found !== null) {
        parts[i] = found.shown;
        isInside = found.isAssigned;
      }
      isNext = leadsToSecret(meant, after, parts[i + 2] || parts[i + 4] || '');
    }
    previous = meant ?? '';
  }
  return parts.join('');
}

function isBehind(previous: string, between: string, meant: string): boolean {
  return /[/\\]/.test(between) && isSecretBehind(previous, meant);
}

interface Found {
  readonly shown: string;
  /** It is the value of a name, which goes on behind a slash. */
  readonly isAssigned: boolean;
}

function redactPiece(piece: string, meant: string, before: string): Found | null {
  if (before === ';' && meant.length > longestHarmless && !meant.includes('='))
    return { shown: hidden, isAssigned: true };
  const at = meant.lastIndexOf('@');
  if (meant.slice(0, Math.max(at, 0)).includes(':')) {
    const rest = meant.slice(at + 1);
    const found = redactPiece(rest, rest, before);
    return { shown: `${hidden}@${found?.shown ?? rest}`, isAssigned: found?.isAssigned ?? false };
  }
  const begin = firstSecret(meant);
  if (begin >= 0) return { shown: `${meant.slice(0, begin)}${hidden}`, isAssigned: true };
  if (ordinary.test(piece)) return null;
  const shown = meant
    .replace(userInfo, `${hidden}@`)
    .replace(base64Json, hidden)
    .replace(jupyterToken, hidden)
    .replace(/[\w+=-]{12,}/g, (one) => (isMadeUp(one) || isEncodedSecret(one) ? hidden : one));
  return shown === meant ? null : { shown, isAssigned: false };
}

/** Where the value of a name begins that is a secret, or the query of a path that hides it; -1 for nowhere. */
function firstSecret(meant: string): number {
  const equals = meant.indexOf('=') + 1;
  const value = equals === 0 ? '' : meant.slice(equals).trim();
  const isValue = value !== '' && !/^=+$/.test(value);
  const isHidden = isValue && (value.length > longestHarmless || isSecretName(meant.slice(0, equals - 1)));
  const found = [isHidden ? equals : -1, meant.search(/[?#]/) + 1 || -1, findAnnounced(meant)].filter(
    (place) => place >= 0,
  );
  return found.length === 0 ? -1 : Math.min(...found);
}

/** An authentication scheme, which has its credentials behind a blank. */
const scheme = /^(?:bearer|basic|negotiate|digest)$/i;
/** A name whose value stands in another piece. */
const openAssignment = /(?<![\w.\-[\]])([\w.\-[\]]+)[=:]$/;

/** Whether what comes behind `after` is a secret because of `meant` before it. */
function leadsToSecret(meant: string, after: string, next: string): boolean {
  if (after === '') return false;
  if (/\s/.test(after) && scheme.test(meant)) return true;
  const name = openAssignment.exec(meant)?.[1];
  if (name !== undefined && isSecretName(name)) return !/[?#&;]/.test(after);
  if (/["'\s]/.test(after) && /^[:=]+$/.test(next)) return isSecretName(meant);
  return /[/\\]/.test(after) && isSecretSegment(meant);
}

/** Each escape of an escape takes one more look at all of a text, and a text of 1024 characters has room for 500. */
const mostEscapes = 10;

/**
 * Undoes percent-encoding until nothing changes, and takes wide forms of characters for what they mean; `null` where it
 * is escaped more often than anybody means it.
 */
function decode(text: string): string | null {
  let meant = text;
  let before = '';
  for (let times = 0; meant !== before && meant.includes('%'); times++) {
    if (times === mostEscapes) return null;
    before = meant;
    meant = before
      .replace(/%u([\da-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
      .replace(/(?:%[\da-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString());
  }
  return meant.normalize('NFKC');
}
