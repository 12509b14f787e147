/** Which bytes may stand where (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.3), as tables: one look-up per byte. */

export const tab = 0x09;
export const lf = 0x0a;
export const cr = 0x0d;
export const space = 0x20;
export const comma = 0x2c;
export const slash = 0x2f;
export const digit0 = 0x30;
export const colon = 0x3a;
export const semicolon = 0x3b;

/** A table that holds 1 for each byte that passes. */
function table(passes: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (passes(byte) ? 1 : 0));
}

const tokens = /^[A-Za-z0-9!#$%&'*+.^_`|~-]$/;

/** The characters of a token, such as a header's name. */
export const isToken = table((byte) => tokens.test(String.fromCharCode(byte)));

/** What a header's value consists of: visible characters, bytes beyond ASCII, space and tab. */
export const isValue = table((byte) => byte === tab || (byte >= space && byte !== 0x7f));

/** A target in origin form: visible ASCII. Its fragment never leaves a client, so there is no `#`. */
export const isTarget = table((byte) => byte > space && byte < 0x7f && byte !== 0x23);

/** The value of a hexadecimal digit, 255 for any other byte. */
export const hexValue = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? 255 : digit;
});

/** Bytes as names compare them, like `foldName`: letters in lower case, and `-` for what is no letter and no digit. */
export const folded = Uint8Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte).toLowerCase();
  return /^[a-z0-9]$/.test(char) ? char.charCodeAt(0) : 0x2d;
});

/** Bytes with ASCII's capitals as small letters; a field's name has no others. */
export const lowerCase = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);
