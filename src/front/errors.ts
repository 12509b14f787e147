/**
 * The answers that Sluice gives itself, to refused handshakes and failed requests: what happened, where, the limit and
 * the value, and what to change; as JSON, HTML or text, whichever the client's `Accept` prefers.
 */
import { STATUS_CODES } from 'node:http';
import {
  type AnsweredFailure,
  type HandshakeResult,
  handshakeOutcomes,
  httpOutcomes,
  type LimitName,
} from '../catalogue/outcomes.ts';

/** Outcomes of a handshake that have an answer of ours; the others are mirrored or have nobody left to read them. */
export type HandshakeRefusal = Exclude<HandshakeResult, 'opened' | 'upstream_refused' | 'client_gone' | 'tls_failed'>;

/** A limit and what was seen, both in the same unit. */
export interface ExceededLimit {
  readonly name: LimitName;
  readonly configured: number;
  readonly observed: number;
}

/** Where a refusal happened; `null` where it is not known or does not apply. */
export interface RefusalAbout {
  readonly route: string | null;
  readonly limit: ExceededLimit | null;
  /** The routes between which the path does not decide. */
  readonly routes?: readonly string[] | undefined;
}

/** One answer, before its rendering. */
export interface Refusal extends RefusalAbout {
  readonly outcome: HandshakeRefusal | AnsweredFailure;
  readonly status: number;
  readonly words: string;
  readonly remedy: string;
}

/** What to change, for the person who meets the refusal or the one who runs the gateway. */
const remedies: Readonly<Record<HandshakeRefusal | AnsweredFailure, string>> = {
  no_route: 'add a route for this host and path, or correct the address',
  bad_request: 'send a request as RFC 9112 (HTTP) or RFC 6455 section 4.1 (WebSocket) describes',
  ambiguous_path:
    'send the path without `..`, `//`, `\\`, `;`, `%2f` and the like, or give both readings of it one route',
  method_not_allowed: 'open WebSocket connections with GET',
  unsupported_version: 'send `Sec-WebSocket-Version: 13`',
  request_timeout: 'send the whole header within `timeouts.headers`',
  headers_too_large: 'clear the cookies of this site, or shorten them',
  too_many_headers: 'clear the cookies of this site, or send several of them in one line',
  origin_refused: "add the page's origin, exactly as the browser sends it, to `origins` of the route",
  too_many_connections: 'try again later, or raise `connections.max` of the route',
  too_many_per_address: 'close other tabs, or raise `connections.max_per_address` of the route',
  memory: 'try again later, raise `memory.max_buffered`, or add instances',
  draining: 'try again: another instance will answer',
  upstream_unreachable: 'check that the backend runs and that `upstream` of the route names its address',
  upstream_bad_handshake: 'check that `upstream` of the route is a WebSocket server',
  upstream_connect_timeout:
    'check that the backend runs and that the network lets Sluice reach it; one that is far away needs a longer `timeouts.connect`',
  upstream_tls_failed:
    "name the CA of the backend's certificate in `upstream_tls.ca` of the route; the log says what is wrong with it",
  upstream_busy: 'try again later, or raise `http.max_upstream_connections` of the route',
  no_descriptors: "try again later, or raise the gateway's limit of open files (`ulimit -n`)",
  upstream_timeout:
    'check that the backend answers; a slow one needs a longer `timeouts.handshake` (WebSocket) or `http.inactivity` of the route (HTTP)',
  body_too_large: 'send less at once, or raise `http.max_body_size` of the route',
  upstream_failed: "look into the backend's log",
};

/** Headers that an outcome's status requires or that help a client: RFC 6455 §4.4, RFC 9110 §15.5.6 and §10.2.3. */
const extraHeaders: Partial<Record<HandshakeRefusal | AnsweredFailure, readonly (readonly [string, string])[]>> = {
  method_not_allowed: [['Allow', 'GET']],
  unsupported_version: [['Sec-WebSocket-Version', '13']],
};

/**
 * When to come back, in whole seconds: a range, because clients that were refused in one instant shall not return in one.
 * Behind a load balancer another instance answers at once, so a drain needs no longer time than it takes to spread them.
 */
const retryAfterS: Partial<Record<HandshakeRefusal | AnsweredFailure, readonly [least: number, most: number]>> = {
  too_many_connections: [5, 10],
  too_many_per_address: [5, 10],
  memory: [5, 10],
  upstream_busy: [5, 10],
  no_descriptors: [5, 10],
  draining: [1, 5],
};

/** The answer to a handshake (or to a request before its forwarding) that ended with `outcome`. */
export function refuseHandshake(outcome: HandshakeRefusal, about: RefusalAbout): Refusal {
  const { status, words } = handshakeOutcomes[outcome];
  return { outcome, status, words, remedy: remedies[outcome], ...about };
}

/** The answer to a request whose forwarding failed with `outcome`. */
export function refuseHttp(outcome: AnsweredFailure, about: RefusalAbout): Refusal {
  const { status, words } = httpOutcomes[outcome];
  return { outcome, status, words, remedy: remedies[outcome], ...about };
}

/** A rendered answer: headers without `Connection` and `Date`, and the body. */
export interface RenderedRefusal {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Renders an answer in the form that `accept` prefers; text for clients without a preference. `chance` is from 0 to below 1. */
export function renderRefusal(refusal: Refusal, accept: string | undefined, chance = Math.random()): RenderedRefusal {
  const form = preferredForm(accept);
  const body = Buffer.from(renderers[form](refusal));
  return {
    headers: [
      ['Content-Type', `${form}; charset=utf-8`],
      ['Content-Length', String(body.length)],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
      ...(extraHeaders[refusal.outcome] ?? []),
      ...retryAfter(refusal, chance),
    ],
    body,
  };
}

function retryAfter({ outcome }: Refusal, chance: number): (readonly [string, string])[] {
  const range = retryAfterS[outcome];
  if (range === undefined) return [];
  const [least, most] = range;
  return [['Retry-After', String(least + Math.floor(chance * (most - least + 1)))]];
}

/** How an answer of ours stands on its connection. */
export interface RefusalFraming {
  /** The connection ends with it. */
  readonly closes: boolean;
  /** It answers a HEAD. */
  readonly bodiless: boolean;
}

/** A whole HTTP/1.1 response for a bare socket. */
export function refusalBytes(
  refusal: Refusal,
  accept: string | undefined,
  { closes, bodiless }: RefusalFraming = { closes: true, bodiless: false },
): Buffer {
  const { headers, body } = renderRefusal(refusal, accept);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const date = new Date().toUTCString();
  const reason = STATUS_CODES[refusal.status] ?? '';
  const connection = closes ? 'Connection: close\r\n' : '';
  const head = `HTTP/1.1 ${refusal.status} ${reason}\r\nDate: ${date}\r\n${lines}${connection}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bodiless ? Buffer.alloc(0) : body]);
}

type Form = 'text/html' | 'application/json' | 'text/plain';

const renderers: Readonly<Record<Form, (refusal: Refusal) => string>> = {
  'application/json': renderJson,
  'text/html': renderHtml,
  'text/plain': renderText,
};

function renderJson({ outcome, status, words, route, routes, limit, remedy }: Refusal): string {
  return `${JSON.stringify({
    error: outcome,
    status,
    message: words,
    ...(route === null ? {} : { route }),
    ...(routes === undefined ? {} : { routes }),
    ...(limit === null ? {} : { limit }),
    remedy,
  })}\n`;
}

function renderText(refusal: Refusal): string {
  return [`${refusal.status} ${STATUS_CODES[refusal.status]}: ${refusal.words}`, ...details(refusal), ''].join('\n');
}

function renderHtml(refusal: Refusal): string {
  const title = escapeHtml(`${refusal.status} ${STATUS_CODES[refusal.status]}`);
  const lines = details(refusal).map((line) => `<p>${escapeHtml(line)}</p>`);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>${title}</h1><p><strong>${escapeHtml(refusal.words)}</strong></p>${lines.join('')}
</html>
`;
}

/** The lines below the headline, for people. */
function details({ route, routes, limit, remedy }: Refusal): string[] {
  const lines: string[] = [];
  if (routes !== undefined) lines.push(`routes: ${routes.join(' or ')}`);
  if (route !== null) lines.push(`route: ${route}`);
  if (limit !== null) lines.push(`${limit.name}: ${limit.configured}, seen: ${limit.observed}`);
  lines.push(`what to do: ${remedy}`);
  return lines;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** In order of preference where a client gives several the same weight. */
const forms: readonly Form[] = ['text/html', 'application/json', 'text/plain'];

/** The form that an `Accept` header asks for (RFC 9110 §12.5.1); wildcards alone ask for text. */
function preferredForm(accept: string | undefined): Form {
  let best: Form = 'text/plain';
  let bestWeight = 0;
  const ranges = (accept ?? '').toLowerCase().split(',', 32);
  for (const form of forms) {
    for (const range of ranges) {
      const [type, ...parameters] = range.split(';').map((part) => part.trim());
      if (type !== form) continue;
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      const weight = q === undefined ? 1 : Number(q.slice(2));
      if (weight > bestWeight) {
        best = form;
        bestWeight = weight;
      }
    }
  }
  return best;
}
