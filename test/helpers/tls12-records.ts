/**
 * A TLS 1.2 client whose records are made by hand, for what TLS 1.3 has no more: a handshake within a connection. Its
 * master secret is what Node tells of it for debuggers, and the server's random stands in what it answers first; how
 * they become a key: RFC 5246 §5 and §6.3, and a record: RFC 5288 §3.
 */
import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { listen } from './listen.ts';
import { cert } from './test-certificate.ts';

const handshake = 22;
/** Where the random stands in a record that begins with a ServerHello. */
const randomAt = 5 + 4 + 2;

export class Tls12Client {
  /** The connection itself: what comes on it is encrypted. */
  readonly tcp: Socket;
  readonly #key: Buffer;
  readonly #salt: Buffer;
  /** The first record that is encrypted ended the handshake. */
  #sent = 1n;

  private constructor(tcp: Socket, secret: Buffer, clientRandom: Buffer, serverRandom: Buffer) {
    this.tcp = tcp;
    const keys = expand(secret, Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom]), 72);
    this.#key = keys.subarray(0, 32);
    this.#salt = keys.subarray(64, 68);
  }

  static async connect(port: number): Promise<Tls12Client> {
    // Between the library and the server, so that both directions are at hand.
    const tcp = connectTcp(port, '127.0.0.1').on('error', () => {});
    await once(tcp, 'connect');
    const between = createServer();
    const accepted = once(between, 'connection') as Promise<[Socket]>;
    const options = {
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384',
    } as const;
    const tls = connectTls({ ...options, port: await listen(between), ca: cert, servername: 'localhost' });
    tls.on('error', () => {});
    const told = once(tls, 'keylog') as Promise<[Buffer]>;
    const [inner] = await accepted;
    between.close();
    inner.on('error', () => {});
    let answer = Buffer.alloc(0);
    const answers = (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      inner.write(chunk);
    };
    const asks = (chunk: Buffer) => void tcp.write(chunk);
    tcp.on('data', answers);
    inner.on('data', asks);
    await once(tls, 'secureConnect');
    tcp.off('data', answers).pause();
    inner.off('data', asks).destroy();
    const [, clientRandom, secret] = (await told)[0].toString().trim().split(' ');
    const serverRandom = answer.subarray(randomAt, randomAt + 32);
    return new Tls12Client(tcp, Buffer.from(secret!, 'hex'), Buffer.from(clientRandom!, 'hex'), serverRandom);
  }

  /** The bytes of a record of the handshake protocol. */
  handshakeRecord(content: Buffer): Buffer {
    const sequence = Buffer.alloc(8);
    sequence.writeBigUInt64BE(this.#sent++);
    const cipher = createCipheriv('aes-256-gcm', this.#key, Buffer.concat([this.#salt, sequence]));
    const head = (length: number) => Buffer.from([handshake, 3, 3, length >> 8, length & 255]);
    cipher.setAAD(Buffer.concat([sequence, head(content.length)]));
    const inner = Buffer.concat([cipher.update(content), cipher.final()]);
    return Buffer.concat([head(8 + inner.length + 16), sequence, inner, cipher.getAuthTag()]);
  }
}

/** A ClientHello (RFC 5246 §7.4.1.2) of one suite, without extensions. */
export function clientHello(): Buffer {
  const body = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from([0, 0, 2, 0xc0, 0x30, 1, 0])]);
  return Buffer.concat([Buffer.from([1, 0, 0, body.length]), body]);
}

/** P_SHA384 (RFC 5246 §5). */
function expand(secret: Buffer, seed: Buffer, length: number): Buffer {
  const hmac = (...parts: Buffer[]) => createHmac('sha384', secret).update(Buffer.concat(parts)).digest();
  const blocks: Buffer[] = [];
  for (let a = hmac(seed); Buffer.concat(blocks).length < length; a = hmac(a)) blocks.push(hmac(a, seed));
  return Buffer.concat(blocks).subarray(0, length);
}
