/** `header`: a proxy in front has signed the user in, and says who it is. Only `listen.trusted_proxies` may. */

import { valuesOf } from '../../../http/raw-fields.ts';
import { noEdits } from '../edits.ts';
import { identityOf } from '../identity.ts';
import { type AuthRequest, type Challenge, type Decision, type Judge, lasting, refuse } from '../types.ts';

export class HeaderJudge implements Judge {
  readonly kind = 'header';
  readonly guessable = false;
  readonly #name: string;

  /** `name` in lower case. */
  constructor(name: string) {
    this.#name = name;
  }

  /** From anybody else it says nothing, as if it were not there. */
  brings({ headers, trusted }: AuthRequest): boolean {
    return trusted && valuesOf(headers, this.#name).length > 0;
  }

  challenge(): Challenge {
    return {};
  }

  decide({ headers }: AuthRequest): Decision {
    const [value, ...more] = valuesOf(headers, this.#name) as [string, ...string[]];
    // Which of the two is the proxy's own is not known.
    if (more.length > 0) return refuse('several', `there are several lines ${this.#name}`, false);
    // Node reads bytes as Latin-1, and proxies write UTF-8.
    const identity = identityOf(Buffer.from(value, 'latin1').toString().trim(), []);
    if (identity === null) return refuse('malformed', `${this.#name} holds no name`, false);
    return { is: 'admitted', identity, edits: noEdits, life: lasting };
  }
}
