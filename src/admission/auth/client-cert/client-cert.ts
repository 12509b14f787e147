/** `client_cert`: the client has shown a certificate in TLS, and what stands in it says who it is. */
import type { ClientCertAuth } from '../../../config/types.ts';
import { noEdits } from '../edits.ts';
import { identityOf, listed } from '../identity.ts';
import { KindOf, letIn } from '../judge.ts';
import { type AuthRequest, type Decision, lasting, refuse, refuseUser } from '../types.ts';

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
    const [name, ...more] = shown.values(user);
    const isName = name !== undefined && (user.startsWith('subject.') || isAscii.test(name));
    // Which of several is the user's is not known.
    const identity = isName && more.length === 0 ? identityOf(name, [], expiresAtMs) : null;
    for (const [field, wanted] of match) {
      if (!shown.values(field).some((value) => wanted.includes(value))) {
        const detail = `the certificate has none of the values that match wants in ${field}: ${listed(wanted)}`;
        return refuseUser('claim', detail, identity);
      }
    }
    if (name === undefined) return refuse('claim', `the certificate has no ${user}`, false);
    if (more.length > 0) return refuse('several', `the certificate has several of ${user}`, false);
    if (identity === null) return refuse('malformed', `${user} of the certificate holds no name`, false);
    return letIn(identity, noEdits, closesOnExpiry ? { endsAtMs: expiresAtMs, recheck: null } : lasting);
  }
}
