/**
 * Until when a list of revoked certificates holds (RFC 5280 §5.1). Node does not tell. A list that is over lets none of
 * its authority's certificates in, so somebody must hear of it. Whether it is a list at all, OpenSSL has said.
 *
 *   CertificateList { tbsCertList { version?, signature, issuer, thisUpdate, nextUpdate?, … }, … }
 */

const isInteger = 0x02;
const isUtcTime = 0x17;
const isGeneralizedTime = 0x18;

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** When the next list must be there; `null` where this one does not say. */
export function nextUpdateOf(pem: string): Date | null {
  const der = Buffer.from(pem.replace(/-----[^-]*-----/g, ''), 'base64');
  const whole = elementAt(der, elementAt(der, 0).start);
  let at = elementAt(der, whole.start);
  if (at.tag === isInteger) at = elementAt(der, at.end);
  const issuer = elementAt(der, at.end);
  const thisUpdate = elementAt(der, issuer.end);
  if (thisUpdate.end >= whole.end) return null;
  const { tag, start, end } = elementAt(der, thisUpdate.end);
  const text = der.toString('latin1', start, end);
  if (tag === isGeneralizedTime) return timeOf(text);
  // Two digits are a year from 1950 to 2049 (§5.1.2.4).
  return tag === isUtcTime ? timeOf(`${Number(text.slice(0, 2)) < 50 ? 20 : 19}${text}`) : null;
}

function timeOf(text: string): Date | null {
  const [, year, month, day, hours, minutes, seconds] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  const time = new Date(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`);
  return Number.isNaN(time.getTime()) ? null : time;
}

/** The element that begins there: its tag, and where its content stands. Beyond the end nothing has a tag. */
function elementAt(der: Buffer, at: number): Element {
  const first = der[at + 1] ?? 0;
  const start = at + 2 + (first < 0x80 ? 0 : first - 0x80);
  const length = first < 0x80 ? first : der.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  return { tag: der[at] ?? 0, start, end: start + length };
}
