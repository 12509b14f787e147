/**
 * The answers that Sluice gives itself, to refused handshakes and failed requests: what happened, where, the limit and
 * the value, and what to change; as JSON, HTML or text, whichever the client's `Accept` prefers.
 */
import { STATUS_CODES } from 'node:http';
import type { AnswerFields, Refused, RelayedAnswer } from '../admission/verdict.ts';
import {
  type AnsweredFailure,
  type HandshakeRefusal,
  handshakeOutcomes,
  httpOutcomes,
  type LimitName,
} from '../catalogue/outcomes.ts';
import type { AnswerRow } from '../catalogue/row.ts';
import { isFieldValue } from '../http/changes.ts';
import { kindOf } from '../http/fields.ts';
import { httpDate } from './date.ts';

import type { ErrorPage, PagedStatus } from './error-pages.ts';

export type { HandshakeRefusal };

/** A limit and what was seen, both in the same unit. */
export interface ExceededLimit {
  readonly name: LimitName;
  readonly configured: number;
  readonly observed: number;
}

/** Where a refusal happened; `null` where it is not known or does not apply. */
export interface RefusalFacts {
  readonly route: string | null;
  readonly limit: ExceededLimit | null;
  /** The routes between which the path does not decide. */
  readonly routes?: readonly string[] | undefined;
}

/** One answer, before its rendering. */
export interface Refusal extends RefusalFacts {
  /** Further header fields. Each replaces the one that Sluice would send under the same name. */
  readonly fields?: AnswerFields | undefined;
  /** Another service's answer, which is passed on in place of ours. */
  readonly relayed?: RelayedAnswer | undefined;
  readonly outcome: HandshakeRefusal | AnsweredFailure;
  readonly status: number;
  readonly words: string;
  readonly remedy: string;
  /** As in the catalogue. */
  readonly headers: NonNullable<AnswerRow['headers']>;
  readonly retryAfterS: AnswerRow['retryAfterS'];
  /** The status for which another program may have a page, for what an API's routes lead to. */
  readonly page?: PagedStatus;
}

/** The answer to a handshake (or to a request before its forwarding) that ended with `outcome`. */
export function refuseHandshake(outcome: HandshakeRefusal, facts: RefusalFacts): Refusal {
  return refusal(outcome, handshakeOutcomes[outcome], facts);
}

/** The answer to a request that a step of admission has refused, or that could not be read. */
export function refusalOf(route: string | null, { outcome, limit, routes, fields, answer }: Refused): Refusal {
  // `opened`, `client_gone`, `tls_failed` and `upstream_refused` have nobody to answer, or an answer of their own.
  const own = refuseHandshake(outcome as HandshakeRefusal, { route, limit: limit ?? null, routes });
  return { ...own, status: answer?.status ?? own.status, fields, relayed: answer };
}

/** The answer to a request whose forwarding failed with `outcome`. */
export function refuseHttp(outcome: AnsweredFailure, facts: RefusalFacts): Refusal {
  return refusal(outcome, httpOutcomes[outcome], facts);
}

function refusal(outcome: Refusal['outcome'], row: AnswerRow, facts: RefusalFacts): Refusal {
  const { status, words, remedy = '', headers = [], retryAfterS } = row;
  return { outcome, status, words, remedy, headers, retryAfterS, ...facts };
}

/** What CHP answers with 503: there is a route, and no server that answers there. */
const noServer: ReadonlySet<Refusal['outcome']> = new Set([
  'upstream_unreachable',
  'upstream_connect_timeout',
  'upstream_tls_failed',
  'upstream_failed',
  'upstream_timeout',
]);

/** The answer if an API sets the routes (`hub`; else `null`): 503 whenever the server is not there. */
export function asOfApi(refusal: Refusal, hub: object | null): Refusal {
  if (hub === null) return refusal;
  if (refusal.outcome === 'no_route') return { ...refusal, page: 404 };
  return noServer.has(refusal.outcome) ? { ...refusal, status: 503, page: 503 } : refusal;
}

/** An answer with somebody else's page for a bare socket. */
export function pageBytes({ status }: Refusal, page: ErrorPage, { closes, bodiless }: RefusalFraming): Buffer {
  const lines = pageHeaders(page).map(([name, value]) => `${name}: ${value}\r\n`);
  const date = httpDate(Date.now());
  const connection = closes ? 'Connection: close\r\n' : '';
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nDate: ${date}\r\n${lines.join('')}${connection}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bodiless ? Buffer.alloc(0) : page.body]);
}

/** The header of somebody else's page. */
export function pageHeaders({ type, encoding, body }: ErrorPage): readonly (readonly [name: string, value: string])[] {
  return [
    ...(type === null ? [] : [['Content-Type', type] as const]),
    ...(encoding === null ? [] : [['Content-Encoding', encoding] as const]),
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
  ];
}

/** A rendered answer: headers without `Connection` and `Date`, and the body. */
export interface RenderedRefusal {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * Renders an answer in the form that `accept` prefers. A client without a preference gets text, and HTML where another
 * program might have had a page: CHP answers so. `chance` is from 0 to below 1.
 */
export function renderRefusal(refusal: Refusal, accept: string | undefined, chance = Math.random()): RenderedRefusal {
  const { fields = [], relayed } = refusal;
  if (relayed !== undefined) return renderRelayed(relayed);
  const form = preferredForm(accept) ?? (refusal.page === undefined ? 'text/plain' : 'text/html');
  const body = Buffer.from(renderers[form](refusal));
  const own = [
    ['Content-Type', `${form}; charset=utf-8`],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ...refusal.headers,
    ...retryAfter(refusal, chance),
  ] as const;
  const others = sendable(fields);
  const replaced = new Set(others.map(([name]) => name.toLowerCase()));
  return { headers: [...own.filter(([name]) => !replaced.has(name.toLowerCase())), ...others], body };
}

/** An answer of another server. */
function renderRelayed({ status, fields, body }: RelayedAnswer): RenderedRefusal {
  if (status === 204 || status === 304) return { headers: sendable(fields), body: Buffer.alloc(0) };
  return { headers: [...sendable(fields), ['Content-Length', String(body.length)]], body };
}

/** Written by whoever sends an answer. */
const setHere = /^(?:content-length|date)$/i;
const isFieldName = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Removes fields that concern one connection or frame the answer, and those that no head can hold. */
function sendable(fields: AnswerFields): AnswerFields {
  return fields.filter(
    ([name, value]) =>
      isFieldName.test(name) && isFieldValue.test(value) && kindOf(name) !== 'hop' && !setHere.test(name),
  );
}

function retryAfter({ retryAfterS }: Refusal, chance: number): (readonly [string, string])[] {
  if (retryAfterS === undefined) return [];
  const [least, most] = retryAfterS;
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
  const date = httpDate(Date.now());
  const reason = STATUS_CODES[refusal.status] ?? '';
  const connection = closes ? 'Connection: close\r\n' : '';
  const head = `HTTP/1.1 ${refusal.status} ${reason}\r\nDate: ${date}\r\n${lines}${connection}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), bodiless ? Buffer.alloc(0) : body]);
}

/** What somebody hears who may have asked for something, and whose connection the gateway cannot keep. */
export function noRoom(): Buffer {
  return refusalBytes(refuseHandshake('no_descriptors', { route: null, limit: null }), undefined);
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

/** In order of preference, for a client that gives several the same weight. */
const forms: readonly Form[] = ['text/html', 'application/json', 'text/plain'];

/** The form that an `Accept` header asks for by name (RFC 9110 §12.5.1); `null` where it asks for none. */
function preferredForm(accept: string | undefined): Form | null {
  let best: Form | null = null;
  let bestWeight = 0;
  const ranges = (accept ?? '').toLowerCase().split(',', 32);
  for (const form of forms) {
    for (const range of ranges) {
      const [type, ...parameters] = range.split(';', 8).map((part) => part.trim());
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
