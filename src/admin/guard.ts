/** Stands before every endpoint of the admin port. What it turns away is counted, and logged now and then. */
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { AdminRefusalRow } from '../catalogue/admin-refusals.ts';
import { type AdminRefusal, adminOutcomes } from '../catalogue/outcomes.ts';
import type { Admin } from '../config/types.ts';
import { KeyedRate } from '../limits/keyed-rate.ts';
import { type AdminRefusals, type Log, logAdminRefusal } from '../observe/log/log.ts';
import { Summary } from '../observe/log/summary.ts';
import { type Answer, problem } from './answer.ts';
import type { AdminEndpoint } from './router.ts';
import { holderOf } from './share.ts';
import { TokenFile } from './token.ts';
import { askedBy, askerOf, bearerOf, isCrossSite, isLoopback, isOurName } from './visit.ts';

export interface GuardParts {
  readonly admin: Admin;
  readonly log: Log;
  /** Counts a refusal. */
  readonly count: (reason: AdminRefusal) => void;
  /** A monotonic time in milliseconds. */
  readonly now?: () => number;
}

/**
 * Wrong tokens of one address: somebody who mistypes needs a few, and after those one each six seconds is 14 400 a day.
 * While an address has to wait no token of it lets in, and others are served.
 */
const pace = { eachMs: 6000, burst: 10 };
const mostAddresses = 1000;

export class Guard {
  readonly #parts: GuardParts;
  readonly #token: TokenFile | null;
  readonly #now: () => number;
  readonly #wrongTokens = new KeyedRate(pace, mostAddresses);
  readonly #refusals: Summary<Omit<AdminRefusals, 'refused'>>;

  constructor(parts: GuardParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#token = parts.admin.tokenFile === null ? null : new TokenFile(parts.admin.tokenFile, this.#now);
    this.#refusals = new Summary((refused, last) => logAdminRefusal(parts.log, { refused, ...last }));
  }

  /** Why the token cannot be used, in words that name its file; `null` if it can, or if there is none. */
  async problem(): Promise<string | null> {
    await this.#token?.refresh();
    return this.#token?.problem() ?? null;
  }

  /** Whether operators have to prove that they are. */
  get asksForToken(): boolean {
    return this.#token !== null;
  }

  /** Returns the answer to a request that is refused; `null` lets it pass. */
  async refuse(req: IncomingMessage, access: AdminEndpoint['access']): Promise<Answer | null> {
    const { address } = this.#parts.admin;
    if (access === 'open') return this.#refuseLedHere(req);
    // No browser reaches a unix socket. A client that has the token was not led here by a name.
    const named = this.#token !== null || address.kind === 'unix' || isOurName(req.headers.host, address.host);
    if (!named) return this.#refused(req, 'host');
    if (isCrossSite(askedBy(req))) return this.#refused(req, 'cross_site');
    return this.#token === null ? null : this.#checkToken(req, this.#token);
  }

  /**
   * Refuses a browser that was led here by another site's name. Metrics of a port on loopback are for this machine, and
   * a page whose name was pointed here must not read them. Elsewhere scrapers ask by whatever name their network has
   * for the port. Browsers always send a Host.
   */
  #refuseLedHere(req: IncomingMessage): Answer | null {
    const { address } = this.#parts.admin;
    const { host } = req.headers;
    if (host === undefined || address.kind === 'unix' || !isLoopback(address.host)) return null;
    return isOurName(host, address.host) ? null : this.#refused(req, 'host');
  }

  async #checkToken(req: IncomingMessage, token: TokenFile): Promise<Answer | null> {
    await token.refresh();
    const trouble = token.problem();
    if (trouble !== null) return this.#refused(req, 'token_file', trouble);
    const tried = bearerOf(req.headers.authorization);
    if (tried === null) return this.#refused(req, 'no_token');
    const matches = token.matches(tried);
    // From here to the end nothing waits: many tries at once are no more than those that come one by one.
    const holder = holderOf(req.socket.remoteAddress);
    const waitMs = this.#wrongTokens.waitMs(holder, this.#now());
    if (waitMs > 0) {
      return this.#refused(req, 'too_many_tries', undefined, { 'Retry-After': String(Math.ceil(waitMs / 1000)) });
    }
    if (matches) return null;
    this.#wrongTokens.charge(holder, this.#now());
    return this.#refused(req, 'wrong_token');
  }

  /** Logs what is still to be logged. */
  close(): void {
    this.#refusals.close();
  }

  #refused(req: IncomingMessage, reason: AdminRefusal, detail?: string, more?: OutgoingHttpHeaders): Answer {
    this.#parts.count(reason);
    this.#refusals.add({ reason, client: askerOf(req), detail });
    const { status, words, remedy, headers = [] }: AdminRefusalRow = adminOutcomes[reason];
    return problem(status, { code: reason, what: words, remedy }, { ...Object.fromEntries(headers), ...more });
  }
}
