/** `header`: a proxy in front has signed the user in, and says who it is. Only `listen.trusted_proxies` may. */

import { valuesOf } from '../../../http/raw-fields.ts';
import { identityOf } from '../identity.ts';
import { KindOf, letIn } from '../judge.ts';
import { type AuthRequest, type Decision, refuse } from '../types.ts';

export interface HeaderOptions {
  /** In lower case. */
  readonly name: string;
}

export class HeaderJudge extends KindOf<HeaderOptions> {
  readonly kind = 'header';

  /** From anybody else it says nothing, as if it were not there. */
  brings({ headers, trusted }: AuthRequest): boolean {
    return trusted && valuesOf(headers, this.options.name).length > 0;
  }

  decide({ headers }: AuthRequest): Decision {
    const { name } = this.options;
    const [value, ...more] = valuesOf(headers, name) as [string, ...string[]];
    // Which of the two is the proxy's own is not known.
    if (more.length > 0) return refuse('several', `there are several lines ${name}`, false);
    // Node reads bytes as Latin-1, and proxies write UTF-8.
    const identity = identityOf(Buffer.from(value, 'latin1').toString().trim(), []);
    if (identity === null) return refuse('malformed', `${name} holds no name`, false);
    return letIn(identity);
  }
}
