/** Stands before the routes API: routes are for who has the token, and is no page in a user's browser. */
import type { IncomingMessage } from 'node:http';
import type { ListenAddress } from '../../config/types.ts';
import type { Log } from '../../observe/log/log.ts';
import { Summary } from '../../observe/log/summary.ts';
import { askedBy, askerOf, isCrossSite, isOurName } from '../visit.ts';
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

  /**
   * Whether a request goes no further. Wrong tokens cost no wait: whoever shares the hub's address, as users' servers
   * on one machine do, could keep the hub itself out by them.
   */
  async refuses(req: IncomingMessage): Promise<boolean> {
    const reason = await this.#reasonAgainst(req);
    if (reason === null) return false;
    this.#refusals.add({ reason, client: askerOf(req) });
    return true;
  }

  /** Logs what is still to be logged. */
  close(): void {
    this.#refusals.close();
  }

  async #reasonAgainst(req: IncomingMessage): Promise<string | null> {
    const { address, token } = this.#parts;
    if (isCrossSite(askedBy(req))) return 'cross_site';
    if (token === null) return address.kind === 'unix' || isOurName(req.headers.host, address.host) ? null : 'host';
    const trouble = await token.problem();
    if (trouble !== null) return trouble;
    const tried = tokenOf(req.headers.authorization);
    if (tried === null) return 'no_token';
    const matches = await token.matches(tried);
    if (matches) return null;
    // It was read anew meanwhile. Nobody has tried a wrong one.
    return (matches === null ? await token.problem() : null) ?? 'wrong_token';
  }
}
