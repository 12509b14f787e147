/**
 * What authentication works with: a request in, a decision out. Each kind of a route looks for its own credentials,
 * in the order of the file, and the first that finds some decides.
 */
import type { RawHeaders } from '../../http/raw-fields.ts';
import type { ShownCertificate } from '../peer.ts';
import type { Edits } from './edits.ts';

/** The kinds, as the file and the `kind` label name them. */
export type AuthKind = 'jwt' | 'forward' | 'basic' | 'bearer' | 'client_cert' | 'header' | 'jupyterhub';

/** What became of the credentials of a request: the `result` label of `sluice_auth_total`. */
export type AuthResult =
  | 'admitted'
  | 'no_credentials'
  | 'malformed'
  | 'several'
  | 'too_long'
  | 'unknown'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'expired'
  | 'not_yet'
  | 'issuer'
  | 'audience'
  | 'claim'
  | 'revoked'
  | 'slowed'
  | 'relayed'
  | 'unavailable';

/** What of a request authentication may look at. */
export interface AuthRequest {
  readonly method: string;
  /** In origin form, with its query. */
  readonly target: string;
  readonly scheme: 'http' | 'https';
  /** The host that the client asked for. */
  readonly host: string;
  readonly headers: RawHeaders;
  /** The client's address after `trusted_proxies`. */
  readonly address: string;
  /** Whom it counts for: its address, or its network. */
  readonly subscriber: string;
  /** Whether the peer is one of `trusted_proxies`. */
  readonly trusted: boolean;
  /** What the peer has shown in TLS. */
  readonly certificate: ShownCertificate | null;
}

/** Who a request comes from. */
export interface AuthIdentity {
  readonly name: string;
  readonly groups: readonly string[];
  /** When it ends, in ms since 1970; `null` where nobody says. */
  readonly expiresAtMs: number | null;
}

/** An answer that is sent to the client as it stands, instead of one of Sluice's own. */
export interface GivenAnswer {
  readonly status: number;
  /** End-to-end fields but the framing, which follows the body. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** What a request that brings nothing is asked for. */
export interface Challenge {
  /** A value of `WWW-Authenticate`. */
  readonly authenticate?: string;
  /** Where a page that a person opens goes instead. */
  readonly login?: GivenAnswer;
}

/** How long an admission lasts beyond the handshake. */
export interface Life {
  /** When the connection ends, in ms since 1970; `null` where it goes on. */
  readonly endsAtMs: number | null;
  /** Asks again whether the user may stay, every so often; `null` where nobody is asked. */
  readonly recheck: Recheck | null;
}

/** How somebody is asked again. */
export interface Recheck {
  readonly everyMs: number;
  /** What the question takes in memory for as long as the connection lives. */
  readonly bytes: number;
  readonly ask: () => Promise<Standing>;
}

/** What a second look found: the user may stay, has to go, or nobody could say. */
export type Standing = 'stays' | 'goes' | 'unknown';

/** The request is let in. */
export interface Admitted {
  readonly is: 'admitted';
  /** `null` where a service lets somebody in without saying whom. */
  readonly identity: AuthIdentity | null;
  readonly edits: Edits;
  /** What the client gets with the upstream's answer. */
  readonly toClient?: readonly (readonly [name: string, value: string])[];
  readonly life: Life;
}

/** Its credentials do not do; `detail` is for the log and quotes nothing of them that is secret or names a user. */
export interface AuthFailure {
  readonly is: 'refused';
  readonly result: AuthResult;
  readonly detail: string;
  /** Whether somebody may be guessing: such refusals slow their address down. */
  readonly guessed: boolean;
  /** Who it is, where the credentials prove that and are not enough: the log names them. */
  readonly identity?: AuthIdentity | null;
}

/** The client gets this answer. */
export interface Answered {
  readonly is: 'answered';
  readonly answer: GivenAnswer;
  readonly result: AuthResult;
  readonly detail: string;
  /** As with a refusal. */
  readonly guessed?: boolean;
}

/** What a kind says of a request that brings its credentials. */
export type Decision = Admitted | AuthFailure | Answered;

/** One kind of a route, compiled. */
export interface Judge {
  readonly kind: AuthKind;
  /** Whether the request has credentials of this kind, right or wrong. */
  brings(request: AuthRequest): boolean;
  /**
   * Whether what it has found has the form of its own. Where it has not, it is left to a kind behind that finds some
   * too: a static token stands where a JWT may.
   */
  recognises(request: AuthRequest): boolean;
  /** Judges them. */
  decide(request: AuthRequest): Decision | Promise<Decision>;
  /** What a request without any is asked for. */
  challenge(request: AuthRequest): Challenge;
  /**
   * What of a request is for this kind alone: its credentials, and lines that only its proxy or service may write. They
   * go no further where another kind has decided.
   */
  own(request: AuthRequest): Edits;
  /** Which credentials go on to the backend where this kind has judged them, though others look there too. */
  forwarded(request: AuthRequest): Edits;
  /** Whether these could be guessed: an address that has brought too many wrong ones has to wait. */
  guessable(request: AuthRequest): boolean;
  /**
   * Whether it knows without asking that these were right a moment ago, and nobody could find such by guessing: who
   * shares an address with somebody that guesses then need not wait. Never of passwords: it would answer guesses.
   */
  remembers(request: AuthRequest): boolean;
}

/** Lasts for as long as the connection. */
export const lasting: Life = { endsAtMs: null, recheck: null };

/** A refusal of wrong credentials. */
export function refuse(result: AuthResult, detail: string, guessed = true): AuthFailure {
  return { is: 'refused', result, detail, guessed };
}

/** A refusal of somebody whose credentials are genuine, and do not open this route. */
export function refuseUser(result: AuthResult, detail: string, identity: AuthIdentity | null): AuthFailure {
  return { ...refuse(result, detail, false), identity };
}
