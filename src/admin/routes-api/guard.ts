/** Stands before the routes API: routes are for who has the token, and is no page in a user's browser. */
import type { ListenAddress } from '../../config/types.ts';
import type { Log } from '../../observe/log/log.ts';
import { Summary } from '../../observe/log/summary.ts';
import { type AskingRequest, askedBy, askerOf, isCrossSite, isOurName } from '../visit.ts';
import { type ApiToken, tokenOf } from './token.ts';

export interface ApiGuardParts {
  readonly address: ListenAddress;
  readonly token: ApiToken | null;
  readonly log: Log;
}

export class ApiGuard {
  readonly #parts: ApiGuardParts;
  readonly #refusals: Summary<{ readonly reason: string; readonly client: string }>;

  constructor(parts: ApiGuardParts) {
    this.#parts = parts;
    this.#refusals = new Summary((refused, last) => parts.log.tell('routes_api_refused', { ...last, refused }));
  }

  /** Whether it can judge at once; where not, `prepare` comes first. */
  get isReady(): boolean {
    return this.#parts.token?.isFresh ?? true;
  }

  async prepare(): Promise<void> {
    await this.#parts.token?.refresh();
  }

  /** Whether whom it lets in has proved that routes are theirs to set. */
  get asksForToken(): boolean {
    return this.#parts.token !== null;
  }

  /**
   * Whether a request goes no further. Wrong tokens cost no wait: whoever shares the hub's address, as users' servers
   * on one machine do, could keep the hub itself out by them.
   */
  refuses(asker: AskingRequest): boolean {
    const reason = this.#reasonAgainst(asker);
    if (reason === null) return false;
    this.#refusals.add({ reason, client: askerOf(asker) });
    return true;
  }

  /** Logs what is still to be logged. */
  close(): void {
    this.#refusals.close();
  }

  #reasonAgainst(asker: AskingRequest): string | null {
    const { address, token } = this.#parts;
    const { headers } = asker;
    if (isCrossSite(askedBy(asker))) return 'cross_site';
    if (token === null) return address.kind === 'unix' || isOurName(headers.host, address.host) ? null : 'host';
    const trouble = token.problem();
    if (trouble !== null) return trouble;
    const tried = tokenOf(headers.authorization);
    if (tried === null) return 'no_token';
    return token.matches(tried) ? null : 'wrong_token';
  }
}
