/** `header`: a proxy in front has signed the user in, and says who it is. Only `listen.trusted_proxies` may. */

import { foldName } from '../../../http/fields.ts';
import { type RawHeaders, valuesOf } from '../../../http/raw-fields.ts';
import { type Edits, noEdits } from '../edits.ts';
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

  override own(): Edits {
    return { ...noEdits, lines: new Set([foldName(this.options.name)]) };
  }

  decide({ headers }: AuthRequest): Decision {
    const { name } = this.options;
    // Which of the two is the proxy's own is not known, nor which of them the backend reads.
    if (countOf(headers, name) > 1) return refuse('several', `there are several lines ${name}`, false);
    const [value] = valuesOf(headers, name) as [string];
    // Node reads bytes as Latin-1, and proxies write UTF-8.
    const identity = identityOf(Buffer.from(value, 'latin1').toString().trim(), []);
    if (identity === null) return refuse('malformed', `${name} holds no name`, false);
    return letIn(identity);
  }
}

/** How many lines have a name, in whatever spelling: to CGI `X_User` and `X-User` are one. */
function countOf(headers: RawHeaders, name: string): number {
  const folded = foldName(name);
  return headers.filter((found, i) => i % 2 === 0 && foldName(found) === folded).length;
}
