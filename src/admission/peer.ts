/** Who is at the other end of a connection of the public port, as the connection itself tells. */
import type { CertificateField } from '../config/types.ts';

/** The other end of a connection of the public port. */
export interface Peer {
  /** As `plainAddress` writes it; `null` on a unix socket, where file permissions decide who may connect. */
  readonly address: string | null;
  /** Whether it speaks TLS with us. */
  readonly encrypted: boolean;
  /**
   * The certificate that the peer has shown in TLS, vouched for by one of the authorities for clients; `null` for none.
   */
  readonly certificate: ShownCertificate | null;
}

/** The certificate of a client. */
export interface ShownCertificate {
  /** Whether it is longer than real certificates are, and is not to be read. */
  readonly isTooLong: boolean;
  /** When it ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** Every value of a field, as it stands there. The authority may have signed anything, control characters too. */
  values(field: CertificateField): readonly string[];
}
