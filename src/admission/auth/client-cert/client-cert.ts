/** `client_cert`: the certificate of a TLS client, which `listen.tls` has verified already, says who it is. */
import { noEdits } from '../edits.ts';
import { identityOf } from '../identity.ts';
import {
  type AuthRequest,
  type Challenge,
  type ClientCertificate,
  type Decision,
  type Judge,
  refuse,
} from '../types.ts';

/** Where in a certificate the name stands. */
export type NameSource = 'subject' | 'san_dns' | 'san_email' | 'san_uri';

export interface ClientCertOptions {
  readonly name: NameSource;
  /** The names that are let in; `null` lets everybody in whom the authority knows. */
  readonly allow: ReadonlySet<string> | null;
  /** Whether a connection ends with the certificate. */
  readonly closesOnExpiry: boolean;
}

const prefixes = { san_dns: 'DNS:', san_email: 'email:', san_uri: 'URI:' } as const;

export class ClientCertJudge implements Judge {
  readonly kind = 'client_cert';
  readonly guessable = false;
  readonly #options: ClientCertOptions;

  constructor(options: ClientCertOptions) {
    this.#options = options;
  }

  brings({ certificate }: AuthRequest): boolean {
    return certificate !== null;
  }

  challenge(): Challenge {
    return {};
  }

  decide({ certificate }: AuthRequest): Decision {
    const { name: source, allow, closesOnExpiry } = this.#options;
    const { units, expiresAtMs } = certificate!;
    const names = namesIn(certificate!, source);
    const name = allow === null ? names[0] : names.find((one) => allow.has(one));
    if (names.length > 0 && name === undefined)
      return refuse('claim', 'the certificate is none of those let in', false);
    const identity = identityOf(name, units, expiresAtMs);
    if (identity === null) return refuse('malformed', `the certificate has no ${source} that can be a name`, false);
    const life = { endsAtMs: closesOnExpiry ? expiresAtMs : null, recheck: null };
    return { is: 'admitted', identity, edits: noEdits, life };
  }
}

function namesIn({ commonName, alternativeNames }: ClientCertificate, source: NameSource): string[] {
  if (source === 'subject') return commonName === null ? [] : [commonName];
  const prefix = prefixes[source];
  return alternativeNames.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}
