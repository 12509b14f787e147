/** `client_cert`: the client has shown a certificate in TLS, and what stands in it says who it is. */
import type { ClientCertAuth } from '../../../config/types.ts';
import { noEdits } from '../edits.ts';
import { identityOf } from '../identity.ts';
import { KindOf, letIn } from '../judge.ts';
import { type AuthRequest, type Decision, lasting, refuse } from '../types.ts';

export interface ClientCertOptions extends Omit<ClientCertAuth, 'kind'> {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * What the alternative names of a certificate are made of (RFC 5280 §4.2.1.6); whatever else stands there is no name.
 */
const isAscii = /^[!-~]*$/;

export class ClientCertJudge extends KindOf<ClientCertOptions> {
  readonly kind = 'client_cert';

  /** That of a trusted proxy says who the proxy is, and not who asks. */
  brings({ certificate, trusted }: AuthRequest): boolean {
    return certificate !== null && !trusted;
  }

  decide({ certificate }: AuthRequest): Decision {
    const { user, match, closesOnExpiry, now } = this.options;
    const shown = certificate!;
    if (shown.isTooLong) return refuse('too_long', 'the certificate is longer than 16 KiB', false);
    const { expiresAtMs } = shown;
    // TLS looked at that once, and a connection may have lived for long since.
    if (now() >= expiresAtMs) return refuse('expired', 'the certificate has expired', false);
    for (const [field, wanted] of match) {
      if (!shown.values(field).some((value) => wanted.includes(value))) {
        return refuse('claim', `the certificate has none of the values that match wants in ${field}`, false);
      }
    }
    const [name, ...more] = shown.values(user);
    if (name === undefined) return refuse('claim', `the certificate has no ${user}`, false);
    // Which of them is the user's is not known.
    if (more.length > 0) return refuse('several', `the certificate has several of ${user}`, false);
    const isName = user.startsWith('subject.') || isAscii.test(name);
    const identity = isName ? identityOf(name, [], expiresAtMs) : null;
    if (identity === null) return refuse('malformed', `${user} of the certificate holds no name`, false);
    return letIn(identity, noEdits, closesOnExpiry ? { endsAtMs: expiresAtMs, recheck: null } : lasting);
  }
}
