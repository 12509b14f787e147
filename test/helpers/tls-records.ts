/**
 * A TLS 1.3 client whose records are made by hand, so that they hold what no library would put into them, and so that
 * many go out at once. Its secret is what Node tells of it for debuggers; how it becomes a key: RFC 8446 §7.1 and §7.3,
 * and a record: §5.2.
 */
import { createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { cert } from './test-certificate.ts';

/** What a record says that it holds. */
const contentType = { alert: 21, handshake: 22, data: 23 } as const;

export class RecordClient {
  /** What is received, decrypted. Writing to it would use the same numbers again. */
  readonly tls: TLSSocket;
  readonly tcp: Socket;
  #secret: KeyObject;
  #key: KeyObject;
  #iv: Buffer;
  #sent = 0;

  private constructor(tcp: Socket, tls: TLSSocket, secret: Buffer) {
    this.tcp = tcp;
    this.tls = tls;
    // Node looks at a key that is bytes by two exceptions, each time: most of what a record would cost.
    this.#secret = createSecretKey(secret);
    this.#key = createSecretKey(expand(this.#secret, 'key', 32));
    this.#iv = expand(this.#secret, 'iv', 12);
  }

  static async connect(port: number): Promise<RecordClient> {
    const tcp = connectTcp(port, '127.0.0.1');
    tcp.setNoDelay(true);
    await once(tcp, 'connect');
    const options = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_256_GCM_SHA384', ca: cert } as const;
    const tls = connectTls({ ...options, socket: tcp, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    let secret: Buffer | null = null;
    tls.on('keylog', (line: Buffer) => {
      const [label, , hex] = line.toString().trim().split(' ');
      if (label === 'CLIENT_TRAFFIC_SECRET_0') secret = Buffer.from(hex!, 'hex');
    });
    tls.on('error', () => {});
    tcp.on('error', () => {});
    await once(tls, 'secureConnect');
    // The last record of the handshake goes out when this has been told.
    await new Promise(setImmediate);
    return new RecordClient(tcp, tls, secret!);
  }

  /** The bytes of a record. */
  record(content: Buffer, type: number = contentType.data): Buffer {
    const header = Buffer.from([contentType.data, 3, 3, 0, 0]);
    header.writeUInt16BE(content.length + 1 + 16, 3);
    const nonce = Buffer.from(this.#iv);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sent++) >>> 0, 8);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(header);
    const inner = cipher.update(Buffer.concat([content, Buffer.from([type])]));
    cipher.final();
    return Buffer.concat([header, inner, cipher.getAuthTag()]);
  }

  /** One record for each so many bytes, and the last with what is left. */
  records(bytes: Buffer, size = 1): Buffer {
    const all: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) all.push(this.record(bytes.subarray(at, at + size)));
    return Buffer.concat(all);
  }

  /** A KeyUpdate (RFC 8446 §4.6.3); what is made from now on has the next key. */
  keyUpdate(asksForOne: boolean): Buffer {
    const update = this.record(Buffer.from([24, 0, 0, 1, asksForOne ? 1 : 0]), contentType.handshake);
    this.#secret = createSecretKey(expand(this.#secret, 'traffic upd', 48));
    this.#key = createSecretKey(expand(this.#secret, 'key', 32));
    this.#iv = expand(this.#secret, 'iv', 12);
    this.#sent = 0;
    return update;
  }
}

/** HKDF-Expand-Label without a context (RFC 8446 §7.1). */
function expand(secret: KeyObject, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0])]);
  // One round is enough: no length here is greater than the hash's.
  return createHmac('sha384', secret)
    .update(info)
    .update(Buffer.from([1]))
    .digest()
    .subarray(0, length);
}
