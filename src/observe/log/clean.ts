/**
 * What may be shown of a string that a peer chose, in the log, the API and on the status page: no secrets, no control
 * characters, not too long. It is made once, where the string is taken, and is a string of its own: a slice would keep
 * the whole request in memory.
 */
import { withoutLikelySecrets } from './redaction.ts';

/** Longer strings help nobody who reads a log; a path with a notebook's name fits. */
const maxLength = 256;
/**
 * The longest name that anybody can sign in with (src/admission/auth/identity.ts). If two names were cut to one, an
 * operator who ends the connections of one user would end those of both.
 */
const longestUser = 256;
/** What is looked at: with its secrets left out it may be shorter. */
const lookedAt = 1024;
/** JSON leaves DEL, C1 controls, soft hyphens and Unicode's line ends alone; terminals and line readers do not. */
const control = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** A string that a peer chose. */
export function clean(text: string): string {
  return shorten(withoutLikelySecrets(beginningOf(text)), maxLength);
}

/**
 * What is shown of texts that come again and again. Every line has a host and a path, and most are the same few: to
 * look for secrets in each anew took 2 % of a handshake for either (measured).
 */
class ShownTexts {
  readonly #shown = new Map<string, string>();
  readonly #show: (text: string) => string;

  constructor(show: (text: string) => string) {
    this.#show = show;
  }

  of(text: string): string {
    const known = this.#shown.get(text);
    if (known !== undefined) return known;
    const shown = this.#show(text);
    if (text.length > longestKnown) return shown;
    if (this.#shown.size >= mostKnown) this.#shown.clear();
    // A part of a request would keep all of it.
    this.#shown.set(Buffer.from(text).toString(), shown);
    return shown;
  }
}

const mostKnown = 256;
/** Longer ones hardly come again. */
const longestKnown = 100;

const paths = new ShownTexts(clean);

/** The path of a request target: queries and fragments may hold tokens. */
export function cleanPath(target: string): string {
  const end = target.search(/[?#]/);
  return paths.of(end < 0 ? target : target.slice(0, end));
}

const hosts = new ShownTexts((host) => {
  const at = host.lastIndexOf('@');
  return clean(at < 0 ? host : `[redacted]${host.slice(at)}`);
});

/** A `Host` header, also a wrong one. */
export function cleanHost(host: string): string {
  return hosts.of(host);
}

/** The name of a user, which is no secret and may look like one. */
export function cleanUser(user: string): string {
  return shorten(user, longestUser);
}

/** What stands between the words of a text that a peer chose. */
const separator = /[/?#&;,\s]/;

/** Half of a word that is cut could not be told to be a secret. */
function beginningOf(text: string): string {
  if (text.length <= lookedAt) return text;
  let end = lookedAt;
  // An expression that looks for the last word would look for it from each character on.
  while (end > 0 && !separator.test(text[end - 1]!)) end--;
  return `${text.slice(0, end)}…`;
}

function shorten(text: string, longest: number): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  const shown = cut.replace(control, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`);
  return Buffer.from(shown).toString();
}

/**
 * Subprotocols that a log may name: registered ones (IANA, WebSocket Subprotocol Name Registry) and those of well-known
 * servers. Others carry tokens, because a browser can send them nowhere else: Jupyter, Kubernetes, Bokeh and Streamlit
 * do so.
 */
const known: ReadonlySet<string> = new Set([
  'bokeh',
  'v1.kernel.websocket.jupyter.org',
  'streamlit',
  'graphql-ws',
  'graphql-transport-ws',
  'mqtt',
  'mqttv3.1',
  'wamp',
  'wamp.2.json',
  'wamp.2.msgpack',
  'wamp.2.cbor',
  'stomp',
  'v10.stomp',
  'v11.stomp',
  'v12.stomp',
  'channel.k8s.io',
  'v2.channel.k8s.io',
  'v3.channel.k8s.io',
  'v4.channel.k8s.io',
  'v5.channel.k8s.io',
  'ocpp1.6',
  'ocpp2.0.1',
  'actioncable-v1-json',
  'json.webpubsub.azure.v1',
  'protobuf.webpubsub.azure.v1',
  'soap',
  'xmpp',
  'sip',
  'tty',
  'binary',
  'base64',
  'chat',
  'superchat',
  'vite-hmr',
]);

/** A negotiated subprotocol: its name, or how long it is. */
export function nameSubprotocol(subprotocol: string): string {
  return known.has(subprotocol) ? subprotocol : `(${subprotocol.length} characters)`;
}
