/**
 * A visit: one request from its head to its end, a WebSocket handshake or plain HTTP, in whichever lane. Steps of
 * admission read it, and write down in it who has come, what the upstream is told besides, and what was lent.
 *
 *   head ─► steps ─► admitted ─► exchange or handshake ─► end: what was lent goes back
 *             └ refused, or the client leaves: what was lent goes back
 *
 * What few requests need (a signal, changes, loans) is made when it is first asked for.
 */
import type { Route } from '../config/types.ts';
import { Changes } from '../http/changes.ts';
import { type HeadFields, noFields, RawFields } from '../http/head-fields.ts';
import type { RawHeaders } from '../http/raw-fields.ts';
import { cleanUser } from '../observe/log/clean.ts';
import type { RequestFacts } from '../observe/log/log.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { HandshakeAsk } from '../websocket/validate.ts';
import type { Origination } from './client-address.ts';
import type { NamedUser } from './identity.ts';
import { subscriberOf } from './ip.ts';
import { Loan } from './loan.ts';
import type { WhenOpen } from './open-connection.ts';
import type { Peer } from './peer.ts';
import type { ConnectionSlot, ConnectionSlots } from './slots.ts';
import { type CountedUser, userKeyOf } from './user-key.ts';
import type { Verdict } from './verdict.ts';

export type VisitKind = 'http' | 'websocket';

/** Judges a visit. A step that waits must stop, and settle soon, when `visit.signal` aborts. An exception is a bug. */
export type Step = (visit: Visit) => Verdict | Promise<Verdict>;

/** A route and what is counted and lent of it. */
export interface AdmissionRoute {
  readonly route: Route;
  readonly counters: RouteCounters;
  readonly slots: ConnectionSlots;
  /** Who judges its visits, in their order. */
  steps(kind: VisitKind): readonly Step[];
}

/** The user, as a step of authentication has found out. */
export interface VisitIdentity {
  /** Whole, as whoever knows the user has it. */
  readonly name: string;
  /** Fit to be shown: `cleanUser` has seen it. */
  readonly user: string;
  readonly groups: readonly string[];
  /** When it ends, in milliseconds since 1970; `null` where it does not say. */
  readonly expiresAtMs: number | null;
  /** The kind of authentication that found it: `jwt`, `forward`, `basic` … */
  readonly kind: string;
}

/** What a visit begins with. */
export interface VisitInit {
  readonly kind: VisitKind;
  readonly method: string;
  /** `1.1`. */
  readonly httpVersion: string;
  /** The `Host` header. */
  readonly host: string;
  /** In origin form, byte for byte as it came. */
  readonly target: string;
  readonly fields: HeadFields;
  readonly headerBytes: number;
  readonly origination: Origination;
  readonly peer: Peer;
  readonly route: AdmissionRoute;
  /** How many bits of an IPv6 address say whose it is. */
  readonly ipv6Prefix: number;
  /** Who the request says its user is, where its route's `identity` tells. */
  readonly named: NamedUser | undefined;
}

export class Visit {
  readonly kind: VisitKind;
  readonly method: string;
  readonly httpVersion: string;
  readonly host: string;
  readonly target: string;
  readonly headerBytes: number;
  readonly origination: Origination;
  readonly peer: Peer;
  readonly route: AdmissionRoute;
  /** As `performance.now()` tells. */
  readonly startedAt = performance.now();
  /** Who has come; set by the step that found out. */
  identity: VisitIdentity | null = null;
  /** What a handshake asks for; set by the step that validates it. */
  ask: HandshakeAsk | null = null;
  /** The subprotocol that was offered to Sluice itself, and which no upstream has heard of. */
  ownSubprotocol: string | null = null;
  /** The slot that it has been lent. */
  slot: ConnectionSlot | null = null;
  readonly #named: NamedUser | undefined;
  readonly #ipv6Prefix: number;
  #fields: HeadFields;
  #changes: Changes | null = null;
  #answerChanges: Changes | null = null;
  #loan: Loan | null = null;
  #whenOpen: WhenOpen[] | null = null;
  #abort: AbortController | null = null;
  #left = false;
  #origin: string | undefined;

  constructor(init: VisitInit) {
    this.kind = init.kind;
    this.method = init.method;
    this.httpVersion = init.httpVersion;
    this.host = init.host;
    this.target = init.target;
    this.headerBytes = init.headerBytes;
    this.origination = init.origination;
    this.peer = init.peer;
    this.route = init.route;
    this.#named = init.named;
    this.#ipv6Prefix = init.ipv6Prefix;
    this.#fields = init.fields;
  }

  /** The target without its query. */
  get path(): string {
    const at = this.target.indexOf('?');
    return at < 0 ? this.target : this.target.slice(0, at);
  }

  /** The client's address after `trusted_proxies`; `unix` for a local peer that names nobody. */
  get address(): string {
    return this.origination.address;
  }

  /** Whom the request counts for: the client's address, or its network. */
  get subscriber(): string {
    return subscriberOf(this.origination.address, this.#ipv6Prefix);
  }

  /** The name of its user, fit to be shown, where one is known. */
  get user(): string | undefined {
    return this.identity?.user ?? (this.#named && cleanUser(this.#named.name));
  }

  /**
   * The user for whom the request counts; `null` for nobody. If the route authenticates, a name that the request gives
   * itself counts for nothing.
   */
  get countedUser(): CountedUser | null {
    if (this.identity !== null) return { key: userKeyOf(this.identity.name, null), vouched: true };
    if (this.#named === undefined || this.route.route.auth !== null) return null;
    const { name, raw, vouched } = this.#named;
    return { key: userKeyOf(name, raw), vouched };
  }

  /** Every value of a field of the request, in order; `name` in lower case. */
  values(name: string): string[] {
    return this.#fields.values(name);
  }

  /**
   * The one value of a field; `undefined` if there is none, and if there are several, because nobody knows which
   * counts.
   */
  value(name: string): string | undefined {
    const values = this.#fields.values(name);
    return values.length === 1 ? values[0] : undefined;
  }

  /** All fields of the request, names and values in turn. */
  get headers(): RawHeaders {
    return this.#fields.pairs();
  }

  /** Reads the head into strings. Its buffer will be used again while a step waits. */
  keepHead(): void {
    this.#fields = new RawFields(this.#fields.pairs());
  }

  /** Nobody reads the head any more, but for what the log says of a handshake. */
  dropHead(): void {
    if (this.kind === 'websocket') this.#origin = this.values('origin')[0];
    this.#fields = noFields;
  }

  /** What the upstream is told besides; `null` if the head goes on as it is. */
  get changes(): Changes | null {
    return this.#changes;
  }

  /** For a step that changes what the upstream is told. */
  change(): Changes {
    this.#changes ??= new Changes();
    return this.#changes;
  }

  /** What the client is told besides in the upstream's answer; `null` for nothing. */
  get answerChanges(): Changes | null {
    return this.#answerChanges;
  }

  /** For a step that has something to say to the client it lets in. */
  changeAnswer(): Changes {
    this.#answerChanges ??= new Changes();
    return this.#answerChanges;
  }

  /**
   * Tells the client which subprotocol is spoken: where the upstream has chosen none of those that it was offered, it
   * is Sluice's own. Browsers give up where none is chosen.
   */
  agreeOn(chosen: string | null): void {
    if (chosen === null && this.ownSubprotocol !== null) {
      this.changeAnswer().addField('Sec-WebSocket-Protocol', this.ownSubprotocol);
    }
  }

  /** Keeps what is lent until the request, or the connection that comes of it, is over. */
  lend(what: Disposable): void {
    this.#loan ??= new Loan();
    this.#loan.use(what);
  }

  /** Takes over what was lent. The caller gives it back from now on. */
  takeLoan(): Loan | null {
    const loan = this.#loan;
    this.#loan = null;
    return loan;
  }

  /** Gives back what was lent. */
  giveBack(): void {
    this.#loan?.dispose();
    this.#loan = null;
  }

  /** For a step that may have to end the connection later. */
  whenOpen(hook: WhenOpen): void {
    this.#whenOpen ??= [];
    this.#whenOpen.push(hook);
  }

  /** The hooks to call with the connection; `null` for none. */
  get hooks(): readonly WhenOpen[] | null {
    return this.#whenOpen;
  }

  /** Aborts when the client leaves, or its request is given up. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#left) this.#abort.abort();
    return this.#abort.signal;
  }

  /** The client has left, or its request is given up. All work for it may stop. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    // An abort makes an error with its stack, so it is made only if somebody listens.
    this.#abort?.abort();
  }

  /** Whether the client has left. */
  get left(): boolean {
    return this.#left;
  }

  get counters(): RouteCounters {
    return this.route.counters;
  }

  /** What the log says of it. */
  get facts(): RequestFacts {
    const { host, target, origination, user } = this;
    const facts = { route: this.route.route.name, host, target, address: origination.address, user };
    if (this.kind === 'http') return facts;
    return { ...facts, origin: this.#origin ?? this.values('origin')[0], headerBytes: this.headerBytes };
  }
}
