/** What looks like a secret by itself, whatever it is called. */

const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;
/** Shorter ones can be guessed. */
const leastMadeUp = 20;

/**
 * Whether a program made this word up by chance: letters of both cases and digits follow each other too often for a
 * name. UUIDs name kernels and sessions, and are no secrets.
 */
export function isMadeUp(text: string): boolean {
  const left = text.replace(uuid, '');
  if (left.length < leastMadeUp || !/\d/.test(left)) return false;
  const kinds = left.replace(/[^A-Za-z\d]/g, '').replace(/[a-z]+|[A-Z]+|\d+/g, (run) => run[0]!);
  return kinds.length >= left.length / 4;
}

/** Whether it is base64 or hex of a text that holds a secret. */
export function isEncodedSecret(text: string): boolean {
  return (['base64', 'hex'] as const).some((encoding) => {
    const decoded = Buffer.from(text, encoding).toString('latin1');
    return decoded.length >= 6 && /^[\x20-\x7e]+$/.test(decoded) && /[:={]/.test(decoded);
  });
}
