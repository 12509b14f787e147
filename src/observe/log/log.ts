/**
 * The log: JSON lines on standard output, one at a connection's opening, at its first violation and at its end, one
 * for each refused handshake and each failed HTTP request; never one per message. Whatever a peer chose (host, path,
 * subprotocol) is cut, its control characters are escaped, and what looks like a token is left out.
 */
import { createHash } from 'node:crypto';
import { type LogEvent, lineOf } from '../../catalogue/log-events.ts';
import {
  type AdminRefusal,
  adminOutcomes,
  type ConnectionReason,
  connectionOutcomes,
  type HandshakeResult,
  type HttpFailure,
  handshakeOutcomes,
  httpOutcomes,
  type LimitName,
  reasonOf,
} from '../../catalogue/outcomes.ts';
import type { Sender } from '../../config/types.ts';
import type { ConnectionFacts, SenderReport, SessionReport, Violation } from '../report.ts';
import { clean, cleanHost, cleanPath, cleanUser } from './clean.ts';
import { createLog, flush, type Log, openStandardSink } from './logger.ts';

export { createLog, flush, type Log, openStandardSink };

/** Which connection a line is about. */
export interface LogSubject {
  readonly id: string;
  readonly route: string;
  readonly facts: ConnectionFacts;
}

/** One line when a connection opens. */
export function logOpen(log: Log, subject: LogSubject): void {
  const { flag } = handshakeOutcomes.opened;
  if (!isChosen(subject, log.settings.open)) return;
  log.caused('open', 'open', handshakeOutcomes.opened, (event) => subjectFields(log, event, flag, subject));
}

/** One line for a connection's first violation. */
export function logViolation(log: Log, subject: LogSubject, violation: Violation): void {
  const { sender, action } = violation;
  const { flag, words: exceeded } = connectionOutcomes[reasonOf(violation.limit)];
  const words = violation.detail ?? `${exceeded} (sender: ${sender})`;
  const fields = (event: LogEvent) => ({
    ...subjectFields(log, event, flag, subject),
    sender,
    action,
    limit: limitFields(violation),
  });
  log.caused(`violation ${violation.limit}`, 'violation', { level: 'warn', words }, fields);
}

/** What the process was doing when a connection ended. */
export interface ProcessState {
  readonly configHash: string;
  readonly draining: boolean;
}

/** Made once: V8 looks a name that is put together each time up by its characters. */
const endKinds = Object.fromEntries(
  Object.keys(connectionOutcomes).map((reason) => [reason, `end ${reason}`]),
) as Readonly<Record<ConnectionReason, string>>;

/** One line when a connection ends. */
export function logEnd(log: Log, subject: LogSubject, report: SessionReport, state: ProcessState): void {
  const { level, flag, words } = connectionOutcomes[report.reason];
  if (level === 'info' && !isChosen(subject, log.settings.end)) return;
  const { codes, violation } = report;
  const fields = (event: LogEvent) => ({
    ...subjectFields(log, event, flag, subject),
    duration_s: seconds(report.durationMs),
    client_sent: senderFields(report.client),
    upstream_sent: senderFields(report.upstream),
    closed_by: report.closedBy,
    reason: report.reason,
    close_codes: {
      sent_to_client: codes.sentToClient,
      received_from_client: codes.receivedFromClient,
      sent_to_upstream: codes.sentToUpstream,
      received_from_upstream: codes.receivedFromUpstream,
    },
    sender: violation?.sender ?? null,
    limit: violation && limitFields(violation),
    cut: report.cut,
    incomplete: report.incomplete,
    undelivered_bytes: report.undeliveredBytes,
    last_data_age_s: seconds(report.lastDataAgeMs),
    config_hash: state.configHash,
    draining: state.draining,
  });
  log.caused(endKinds[report.reason], 'end', { level, words: endWords(words, report) }, fields);
}

/** What is known of a request that was refused or failed. */
export interface RequestFacts {
  /** The route, or `null` where none matched. */
  readonly route: string | null;
  readonly host: string | undefined;
  /** The request target as it came; only its path is logged. */
  readonly target: string | undefined;
  readonly address: string;
  /** Who the request says its user is. */
  readonly user?: string | undefined;
  /** For a refused origin. */
  readonly origin?: string | undefined;
  /** The limit that was exceeded, where one was. */
  readonly limit?: { readonly name: LimitName; readonly configured: number; readonly observed: number } | null;
  /** Size of the request's header block: some backends hang on large ones. */
  readonly headerBytes?: number;
  /** What the upstream did, for errors of the upstream; an error's message or code. */
  readonly detail?: string;
}

/** One line for a handshake (or a request before its forwarding) that was refused; `status` is what the client got. */
export function logRefusal(log: Log, result: HandshakeResult, status: number, facts: RequestFacts): void {
  const row = handshakeOutcomes[result];
  const fields = (event: LogEvent) => ({ event, flag: row.flag, result, status, ...requestFields(log, facts) });
  log.caused(`refused ${result}`, 'refused', row, fields);
}

/** One line for a handshake that opens although something about the upstream's answer is odd. */
export function logOddHandshake(log: Log, facts: RequestFacts): void {
  const fields = (event: LogEvent) => ({ event, ...requestFields(log, facts) });
  log.caused('odd_handshake', 'odd_handshake', lineOf('odd_handshake'), fields);
}

/** One line for a handshake that is let in although its address sends more of them than a preset expects. */
export function logReportedRate(log: Log, facts: RequestFacts): void {
  const fields = (event: LogEvent) => ({ event, ...requestFields(log, facts) });
  log.caused('rate_reported', 'rate_reported', lineOf('rate_reported'), fields);
}

/**
 * One line for an HTTP request whose forwarding failed. `status`: what the client gets, if that is not the outcome's.
 */
export function logHttpFailure(
  log: Log,
  failure: HttpFailure,
  method: string,
  facts: RequestFacts,
  status: number = httpOutcomes[failure].status,
): void {
  const row = httpOutcomes[failure];
  const { flag } = row;
  const fields = (event: LogEvent) => ({ event, flag, result: failure, status, method, ...requestFields(log, facts) });
  log.caused(`http_failed ${failure}`, 'http_failed', row, fields);
}

/** Requests that the admin port has refused since the last such line. */
export interface AdminRefusals {
  readonly reason: AdminRefusal;
  /** The address of the last. */
  readonly client: string;
  readonly refused: number;
  readonly detail?: string | undefined;
}

/** One line for refused requests of operators. */
export function logAdminRefusal(log: Log, { reason, client, refused, detail }: AdminRefusals): void {
  const row = adminOutcomes[reason];
  const more = detail && { detail: clean(detail) };
  log.tellEnding('admin_refused', row, { flag: row.flag, reason, client, refused, ...more });
}

/** Whether a connection is one of this share; the same connections for an equal share, whatever the line. */
function isChosen({ id }: LogSubject, share: number): boolean {
  return share === 1 || (share > 0 && Number.parseInt(id.slice(0, 8), 16) < share * 2 ** 32);
}

/** Where a receiver has the beginning of a message and not its end, its own words for that hide the cause. */
function endWords(words: string, { incomplete }: SessionReport): string {
  if (incomplete.length === 0) return words;
  return `${words}; the ${incomplete.join(' and the ')} got the beginning of a message only, and may call it 1002 (incomplete fragmented message)`;
}

/** How the log names a user, as `log.user` says; `undefined`, which no line has, for no name. */
function shownUser({ settings }: Log, user: string | undefined): string | undefined {
  if (user === undefined || settings.user === 'off') return undefined;
  return settings.user === 'plain' ? user : `sha256:${createHash('sha256').update(user).digest('hex').slice(0, 16)}`;
}

/** A path often holds its user's name: what the log shall not name, it must not name there. */
function pathFor({ settings }: Log, path: string, user: string | undefined): string {
  if (user === undefined || settings.user === 'plain') return path;
  return path
    .split('/')
    .map((segment) => (cleanUser(decoded(segment)) === user ? '[user]' : segment))
    .join('/');
}

/** The path of a route that a program has set: as JupyterHub has them, a name stands behind `/user/`. */
export function shownRoutePath({ settings }: Log, path: string): string {
  // It hardly comes again, and would put those out of mind that do.
  if (settings.user === 'plain') return clean(path);
  const segments = path.split('/');
  const isName = (i: number) => segments[i] !== '' && decoded(segments[i - 1] ?? '') === 'user';
  return clean(segments.map((segment, i) => (isName(i) ? '[user]' : segment)).join('/'));
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** What each line about a connection begins with. Behind it further fields are cheap: V8 copies it in one piece. */
function subjectFields(log: Log, event: LogEvent, flag: string, { id, route, facts }: LogSubject) {
  return {
    event,
    flag,
    conn_id: id,
    route,
    host: facts.host,
    path: pathFor(log, facts.path, facts.user),
    client: facts.address,
    user: shownUser(log, facts.user),
    upstream: facts.upstream,
    subprotocol: facts.subprotocol,
    handshake_ms: round(facts.handshakeMs),
  };
}

function requestFields(log: Log, facts: RequestFacts): object {
  return {
    route: facts.route,
    host: cleanHost(facts.host ?? ''),
    path: pathFor(log, cleanPath(facts.target ?? ''), facts.user),
    client: facts.address,
    user: shownUser(log, facts.user),
    ...(facts.origin === undefined ? {} : { origin: clean(facts.origin) }),
    ...(facts.limit ? { limit: facts.limit } : {}),
    ...(facts.headerBytes === undefined ? {} : { header_bytes: facts.headerBytes }),
    ...(facts.detail === undefined ? {} : { detail: clean(facts.detail) }),
  };
}

function senderFields(report: SenderReport): Record<string, number> {
  return {
    messages: report.messages,
    bytes: report.bytes,
    max_message_bytes: report.maxMessageBytes,
    fragments: report.fragments,
    pauses: report.pauses,
    paused_ms: round(report.pausedMs),
    max_buffered_bytes: report.maxBufferedBytes,
  };
}

/** JSON has neither bigint nor infinity: those become strings. */
function limitFields({
  limit,
  configured,
  observed,
  partial,
  detail,
}: Violation & { readonly sender: Sender }): object {
  return {
    name: limit,
    configured: configured === Number.POSITIVE_INFINITY ? 'unlimited' : configured,
    observed: typeof observed === 'bigint' ? String(observed) : observed,
    // A fragmented message is refused before its whole size is known.
    ...(partial ? { at_least: true } : {}),
    ...(detail === undefined ? {} : { detail }),
  };
}

function seconds(ms: number): number {
  return round(ms / 1000);
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
