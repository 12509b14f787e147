/** How a request says where its body ends (RFC 9112 §6). What two programs may read in two ways is a fault. */

/** What of a request says so. */
export interface Framed {
  /** `1.1`. */
  readonly version: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** Whether a request announces a body that is not empty. */
export function carriesBody(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What is wrong with an answer that `isCoded`, in words. */
export const coded = 'its body has a transfer coding beside the chunks';

/**
 * Whether the body of an answer that Node has read is coded by more than chunks. Node undoes those alone, and whoever
 * gets the rest without this header takes it for the body itself.
 */
export function isCoded(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const coding = String(headers['transfer-encoding'] ?? '').trim();
  return !/^(?:chunked|identity)?$/i.test(coding);
}

/** Why nobody can be sure where a request ends, for the log; `null` where everybody reads it alike. */
export function framingFault({ version, headers }: Framed): string | null {
  if (version !== '1.1' && version !== '1.0') return `the version is HTTP/${version}`;
  let coding: string | null = null;
  let lengths = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    // Both names are long: few others are compared.
    if (name.length === 14 && name.toLowerCase() === 'content-length') lengths++;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== null) return 'there are two Transfer-Encoding headers';
      coding = headers[i + 1]!;
    }
  }
  if (lengths > 1) return 'there are two Content-Length headers';
  if (coding === null) return null;
  // A server of HTTP/1.0 does not know it, and sees another request in the body.
  if (version === '1.0') return 'Transfer-Encoding in HTTP/1.0';
  if (lengths > 0) return 'there are both Transfer-Encoding and Content-Length';
  // Any other coding would be lost with this header, which is not passed on.
  return coding.toLowerCase() === 'chunked' ? null : 'Transfer-Encoding is not just chunked';
}
