/** A group for plain Diffie-Hellman in PEM, as `openssl dhparam` writes one (PKCS #3), with the generator 2. */
export function groupPem(prime: Buffer): string {
  const numbers = [integer(prime), integer(Buffer.of(2))];
  const text = element(0x30, Buffer.concat(numbers)).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN DH PARAMETERS-----\n${text}\n-----END DH PARAMETERS-----\n`;
}

/** A positive one. */
function integer(bytes: Buffer): Buffer {
  return element(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...head), content]);
}
