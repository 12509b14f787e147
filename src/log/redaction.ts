/** What may be said of a string that a peer chose: no secrets, no control characters, not too long. */

/** Longer strings help nobody who reads a log; a path with a notebook's name fits. */
const maxLength = 256;
/** JSON leaves DEL, C1 controls and Unicode's line ends alone; terminals and line readers do not. */
const control = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** `token=…`, `access_token=…` and the like in any URL. */
const namedSecret = /((?:token|secret|password|passwd|api[_-]?key|session[_-]?id|jwt|signature)=)[^&;#\s]*/gi;
/** Base64 of `{"`, which Bokeh's tokens and JWTs begin with, and Jupyter's token subprotocol. */
const bareSecret = /\beyJ[\w-]{8,}(?:\.[\w-]+)*|(?<=v1\.token\.websocket\.jupyter\.org\.)\S+/g;

/** `user:password@` in any URL. */
const userInfo = /(?<=:\/\/)[^/?#@\s"]+@/g;

/** A text without what looks like a token or password. */
export function withoutSecrets(text: string): string {
  return text.replace(namedSecret, '$1[redacted]').replace(bareSecret, '[redacted]').replace(userInfo, '[redacted]@');
}

/** A string that a peer chose, fit for a log line. */
export function clean(text: string): string {
  const known = withoutSecrets(text.slice(0, 8192));
  const cut = known.length > maxLength ? `${known.slice(0, maxLength)}…` : known;
  return cut.replace(control, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The path of a request target, fit for a log line: queries and fragments may hold tokens. */
export function pathOnly(target: string): string {
  return clean(target.slice(0, 8192).split(/[?#]/, 1)[0]!);
}
