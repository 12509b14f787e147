/**
 * `forward`: a service beside Sluice decides over every request, as with nginx's auth_request and Traefik's ForwardAuth
 * (oauth2-proxy, Authelia, authentik). 2xx lets the request in. A redirect, or any other answer to the client, is
 * passed on.
 */
import type { ForwardAuth } from '../../../config/types.ts';
import { foldName } from '../../../http/fields.ts';
import { endToEnd, valuesOf } from '../../../http/raw-fields.ts';
import type { Asker, Question, ServiceAnswer } from '../asker.ts';
import { CredentialCache, cacheKey, type Hold, notHeld } from '../cache.ts';
import { type Edits, noEdits } from '../edits.ts';
import { authorizationOf } from '../fields.ts';
import { identityOf, ownText, weighIdentity, weighLines } from '../identity.ts';
import { KindOf } from '../judge.ts';
import { type AuthRequest, type Decision, type Life, lasting, refuse, type Standing } from '../types.ts';

export interface ForwardOptions extends Omit<ForwardAuth, 'kind' | 'service' | 'timeoutMs'> {
  readonly ask: Asker;
  /** Path and query of the service's URL. */
  readonly path: string;
  /** A monotonic time in ms. */
  readonly now: () => number;
}

/** Who asks has waited too long, came too early, or asks too often (RFC 9110, 8470, 6585): no word of the user. */
const saysLater: ReadonlySet<number> = new Set([408, 425, 429]);
/** A sign-in page fits. */
const longestAnswer = 64 * 1024;
/**
 * They say what kind of answer a client can use, and not who it is. A browser is sent to the sign-in. A script would
 * follow it to another site and fail there: it gets 401.
 */
const wantedAnswer = ['Accept', 'Accept-Language', 'X-Requested-With'];

export class ForwardJudge extends KindOf<ForwardOptions> {
  readonly kind = 'forward';
  readonly #own: ReadonlySet<string>;
  readonly #known: CredentialCache<Decision>;

  constructor(options: ForwardOptions) {
    super(options);
    const { userHeader, groupsHeader, responseHeaders } = options;
    // Whatever the service may say, nobody else does.
    this.#own = new Set([userHeader, groupsHeader, ...responseHeaders].map(foldName));
    this.#known = new CredentialCache(options.now);
  }

  /** The service looks for them itself. */
  brings(): boolean {
    return true;
  }

  /** Passwords alone: a session or a token that is over is nobody's guess, and comes with every request of a page. */
  override guessable({ headers }: AuthRequest): boolean {
    return this.options.requestHeaders.includes('authorization') && authorizationOf(headers, 'basic').length > 0;
  }

  override own(): Edits {
    return { ...noEdits, lines: this.#own };
  }

  async decide(request: AuthRequest): Promise<Decision> {
    if (hasDotSegment(request.target)) return dotted;
    const question = this.#questionOf(request);
    const credentials = this.#credentialsOf(request);
    if (this.options.cacheMs === 0 || credentials.length === 0) return this.#ask(question, []);
    const { method, target, host, scheme, address } = request;
    // The service hears where the request came from, and may ask for more from elsewhere, or of another method.
    const where = [scheme, host, address, method];
    const key = cacheKey(...where, ...credentials);
    const keyOfPath = cacheKey(...where, target, ...linesOf(request, wantedAnswer).flat(), ...credentials);
    const keys = [key, keyOfPath];
    let isOwn = false;
    const hold = (decision: Decision) => this.#hold(decision, question);
    const shared = await this.#known.find(
      key,
      () => {
        isOwn = true;
        return this.#ask(question, keys);
      },
      hold,
    );
    // What was let in for its path, and not for its user, says nothing of another path.
    if (shared !== null && shared.is === 'admitted' && shared.identity !== null) return shared;
    // The service has judged this very request, and is not asked twice.
    if (isOwn && shared !== null) {
      this.#known.set(keyOfPath, shared, hold(shared));
      return shared;
    }
    return (await this.#known.find(keyOfPath, () => this.#ask(question, keys), hold)) ?? tooMany;
  }

  /** Only what lets in is kept, and under a key for all paths only what names a user. */
  #hold(decision: Decision, question: Question): Hold {
    const { now, cacheMs } = this.options;
    if (decision.is !== 'admitted') return notHeld;
    // Whoever asks again asks the same question.
    const asked = decision.life.recheck === null ? [] : question.fields;
    const bytes = weighLines([...asked, ...decision.edits.added, ...(decision.toClient ?? [])]);
    return {
      until: now() + cacheMs,
      bytes: bytes + (decision.identity === null ? 0 : weighIdentity(decision.identity)),
    };
  }

  /** The answer may be held under `keys`. */
  async #ask(question: Question, keys: readonly string[]): Promise<Decision> {
    const answer = await this.options.ask(question);
    if ('problem' in answer) return refuse('unavailable', `the service of forward: ${answer.problem}`, false);
    const { status } = answer;
    if (status > 599 || status < 200) return refuse('unavailable', `the service of forward answers ${status}`, false);
    if (status >= 300) return relay(answer);
    return this.#admit(answer, question, keys);
  }

  #admit({ fields }: ServiceAnswer, question: Question, keys: readonly string[]): Decision {
    const { userHeader, groupsHeader, responseHeaders, clientHeaders } = this.options;
    const text = (name: string) =>
      valuesOf(fields, name).map((value) => Buffer.from(value, 'latin1').toString().trim());
    const names = text(userHeader);
    const groups = text(groupsHeader).flatMap((value) => value.split(',').map((group) => ownText(group.trim())));
    const identity = identityOf(names[0], groups);
    if (names.length > 1 || (names.length === 1 && names[0] !== '' && identity === null)) {
      return refuse('unavailable', `the service of forward names no user in ${userHeader} that can be one`, false);
    }
    const named = (names: readonly string[]) =>
      names.flatMap((name) => valuesOf(fields, name.toLowerCase()).map((value): [string, string] => [name, value]));
    return {
      is: 'admitted',
      identity,
      edits: { ...this.own(), added: named(responseHeaders) },
      toClient: named(clientHeaders),
      life: this.#lifeOf(question, keys, identity?.name ?? null),
    };
  }

  #lifeOf(question: Question, keys: readonly string[], name: string | null): Life {
    const { recheckMs } = this.options;
    if (recheckMs === 0) return lasting;
    const ask = async (): Promise<Standing> => {
      const decision = await this.#ask(question, []);
      // An error of its own says nothing of the user.
      if (decision.is !== 'admitted' && decision.result === 'unavailable') return 'unknown';
      if (decision.is === 'answered' && saysLater.has(decision.answer.status)) return 'unknown';
      // Whoever came in without a name may have one by now.
      if (decision.is === 'admitted' && (name === null || decision.identity?.name === name)) return 'stays';
      // What was known is known better: whoever is sent away comes back at once.
      for (const key of keys) this.#known.forget(key);
      return 'goes';
    };
    return { endsAtMs: null, recheck: { everyMs: recheckMs, bytes: weighLines(question.fields), ask } };
  }

  #questionOf(request: AuthRequest): Question {
    const { method, target, scheme, host, address } = request;
    const { requestHeaders, preservesMethod, path } = this.options;
    const wanted = wantedAnswer.filter((name) => !requestHeaders.includes(name.toLowerCase()));
    const told = [
      ['X-Forwarded-Method', method],
      ['X-Forwarded-Proto', scheme],
      ['X-Forwarded-Host', host],
      ['X-Forwarded-Uri', target],
      ['X-Forwarded-For', address],
    ] as const;
    const fields = [...told, ...linesOf(request, [...wanted, ...requestHeaders])];
    // Many servers answer TRACE with 200 and what they got, credentials too (RFC 9110 §9.3.8): that lets nobody in.
    const asked = preservesMethod && method !== 'TRACE' ? method : 'GET';
    return { method: asked, path, fields, mostBytes: longestAnswer, ignoresGoodBody: true };
  }

  #credentialsOf(request: AuthRequest): string[] {
    // With its name, so that no value can pass for that of another line.
    return linesOf(request, this.options.requestHeaders).map(([name, value]) => `${name}: ${value}`);
  }
}

function linesOf({ headers }: AuthRequest, names: readonly string[]): [name: string, value: string][] {
  return names.flatMap((name) => valuesOf(headers, name.toLowerCase()).map((value): [string, string] => [name, value]));
}

/**
 * A path that is open to all, with `/..` behind it, is that path to a service that compares beginnings, and another
 * one to a backend that resolves it. Browsers resolve such paths before they ask.
 */
const dotted: Decision = refuse(
  'malformed',
  'the path has a dot segment, which the service and the backend may read in two ways',
  false,
);

function hasDotSegment(target: string): boolean {
  let path = target.split('?', 1)[0]!;
  // Some decode twice.
  for (let i = 0; i < 3; i++) {
    if (/(?:^|[/\\])\.{1,2}(?:[;/\\]|$)/.test(path)) return true;
    path = path.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
  return false;
}

const tooMany: Decision = refuse('unavailable', 'too many questions to the service of forward are under way', false);

/** The service's own words, less what concerns its connection to Sluice. */
function relay({ status, fields, body }: ServiceAnswer): Decision {
  const passed = endToEnd(fields).filter(([name]) => name.toLowerCase() !== 'content-length');
  return {
    is: 'answered',
    answer: { status, fields: passed, body },
    result: status < 500 ? 'relayed' : 'unavailable',
    detail: `the service of forward answers ${status}`,
    // 403 is for somebody whom it knows.
    guessed: status < 400 || status === 401,
  };
}
