/**
 * The kinds of one route in a row: the first that finds its credentials decides.
 *
 *   kind 1 ─ brings none ─► kind 2 ─ … ─► nobody finds any: asked for some (401), or sent to a login page
 *     └ brings some ─► too many wrong ones from there, not known: 429 ─► judged ─► revoked: 403 ─► let in, with edits
 *                                                                          └ wrong: 401, nobody can tell: 503, or its
 *                                                                            own answer
 */
import { foldName } from '../../http/fields.ts';
import { type Edits, joinEdits, lessEdits, noEdits } from './edits.ts';
import { type AuthFailures, guessed } from './failures.ts';
import { fieldValue } from './identity.ts';
import type { Admitted, Answered, AuthIdentity, AuthKind, AuthRequest, AuthResult, Decision, Judge } from './types.ts';

/** In which lines the upstream is told who the user is. */
export interface IdentityLines {
  readonly user: string | null;
  readonly groups: string | null;
}

export interface AuthenticatorParts {
  readonly judges: readonly Judge[];
  readonly lines: IdentityLines;
  readonly failures: AuthFailures;
  /** Whether this user has been shut out. */
  readonly isRevoked: (name: string) => boolean;
}

/** The ending that a refusal has in the catalogue. */
export type AuthOutcome = 'unauthenticated' | 'auth_revoked' | 'auth_slowed' | 'auth_unavailable';

/** What becomes of a request, and by which kind; `null` where none found credentials. */
export type AuthVerdict =
  | (Admitted & { readonly kind: AuthKind })
  | (Answered & { readonly kind: AuthKind | null })
  | {
      readonly is: 'refused';
      readonly kind: AuthKind | null;
      readonly outcome: AuthOutcome;
      readonly result: AuthResult;
      readonly detail: string;
      /** Values of `WWW-Authenticate`. */
      readonly authenticate: readonly string[];
      /** For `Retry-After`; `null` where it does not matter when. */
      readonly waitSeconds: number | null;
      /** Who it is, where the credentials prove that. */
      readonly identity: AuthIdentity | null;
    };

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  /** What nobody but Sluice may say. */
  readonly #ownLines: ReadonlySet<string>;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    const { user, groups } = parts.lines;
    this.#ownLines = new Set([user, groups].flatMap((name) => (name === null ? [] : [foldName(name)])));
  }

  /** Decides at once where the kind can. */
  decide(request: AuthRequest): AuthVerdict | Promise<AuthVerdict> {
    const judge = this.#judgeOf(request);
    if (judge === undefined) return this.#ask(request);
    const slowed = this.#slowed(judge, request);
    if (slowed !== null) return slowed;
    const decision = judge.decide(request);
    if (!(decision instanceof Promise)) return this.#conclude(judge, request, decision);
    return decision.then((decided) => {
      // Whoever guesses many times at once learns of no more guesses than one who waits for each answer.
      const slowedMeanwhile = this.#slowed(judge, request);
      const verdict = this.#conclude(judge, request, decided);
      return slowedMeanwhile ?? verdict;
    });
  }

  /** The first that finds its credentials, and before that the first that they could be of. */
  #judgeOf(request: AuthRequest): Judge | undefined {
    const [first, ...others] = this.#parts.judges.filter((one) => one.brings(request));
    if (first === undefined || others.length === 0 || first.recognises(request)) return first;
    return others.find((one) => one.recognises(request)) ?? first;
  }

  /** The refusal of an address that has no tries left; `null` where it has some. */
  #slowed(judge: Judge, request: AuthRequest): AuthVerdict | null {
    const waitSeconds = judge.guessable(request) ? this.#parts.failures.waitSeconds(request.subscriber) : 0;
    if (waitSeconds === 0 || judge.remembers(request)) return null;
    return { ...refusal(judge, 'slowed', guessed), waitSeconds };
  }

  #conclude(judge: Judge, request: AuthRequest, decision: Decision): AuthVerdict {
    const isGuess = decision.is !== 'admitted' && decision.guessed && judge.guessable(request);
    if (isGuess) this.#parts.failures.add(request.subscriber);
    if (decision.is === 'answered') return { ...decision, kind: judge.kind };
    if (decision.is === 'refused') {
      const { result, detail, identity = null } = decision;
      return {
        ...refusal(judge, result, detail, identity),
        authenticate: result === 'unavailable' ? [] : this.#schemes(request),
      };
    }
    const { identity } = decision;
    if (identity !== null && this.#parts.isRevoked(identity.name))
      return refusal(judge, 'revoked', 'the user is in the file of revoked_users', identity);
    const told = this.#identityEdits(identity);
    const own = joinEdits(withoutLinesOf(told, decision.edits), told);
    return { ...decision, kind: judge.kind, edits: this.#ofOthers(judge, request).reduce(joinEdits, own) };
  }

  /** What is for the kinds that were not asked, and not for this one as well. */
  #ofOthers(judge: Judge, request: AuthRequest): Edits[] {
    const others = this.#parts.judges.filter((other) => other !== judge);
    if (others.length === 0) return [];
    const mine = joinEdits(judge.own(request), judge.forwarded(request));
    return others.map((other) => lessEdits(other.own(request), mine));
  }

  /** Nobody has found credentials. */
  #ask(request: AuthRequest): AuthVerdict {
    for (const judge of this.#parts.judges) {
      const { login } = judge.challenge(request);
      const detail = 'sent to a login page';
      if (login) return { is: 'answered', kind: judge.kind, answer: login, result: 'no_credentials', detail };
    }
    const detail = `the request brings none of ${this.#parts.judges.map(({ kind }) => kind).join(', ')}`;
    return { ...refusal(null, 'no_credentials', detail), authenticate: this.#schemes(request) };
  }

  #schemes(request: AuthRequest): string[] {
    const schemes = this.#parts.judges.flatMap((judge) => judge.challenge(request).authenticate ?? []);
    return [...new Set(schemes)];
  }

  #identityEdits(identity: AuthIdentity | null): Edits {
    const { user, groups } = this.#parts.lines;
    const added: (readonly [string, string])[] = [];
    if (user !== null && identity !== null) added.push([user, fieldValue(identity.name)]);
    if (groups !== null && identity !== null && identity.groups.length > 0) {
      added.push([groups, fieldValue(identity.groups.join(','))]);
    }
    return { ...noEdits, lines: this.#ownLines, added };
  }
}

const outcomes: Partial<Record<AuthResult, AuthOutcome>> = {
  revoked: 'auth_revoked',
  slowed: 'auth_slowed',
  unavailable: 'auth_unavailable',
};

/**
 * A service may have a line by the name of one that we write, and two of them would be read as one name. Where we have
 * nothing to write, its word stands.
 */
function withoutLinesOf({ added }: Edits, edits: Edits): Edits {
  const names = new Set(added.map(([name]) => foldName(name)));
  return { ...edits, added: edits.added.filter(([name]) => !names.has(foldName(name))) };
}

function refusal(judge: Judge | null, result: AuthResult, detail: string, identity: AuthIdentity | null = null) {
  const outcome = outcomes[result] ?? 'unauthenticated';
  const kind = judge?.kind ?? null;
  return { is: 'refused', kind, outcome, result, detail, authenticate: [], waitSeconds: null, identity } as const;
}
