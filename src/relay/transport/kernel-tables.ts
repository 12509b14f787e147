/**
 * Linux's tables of all TCP sockets as numbers with an index, so that reading them leaves no garbage and a row is found
 * at once. Rows of the kernel are `sl: local:port remote:port state tx:rx …`, addresses and numbers in hex (Linux,
 * Documentation/networking/proc_net_tcp).
 */
import type { Socket } from 'node:net';

/**
 * A row is a key, the bytes that its peer has not acknowledged, and its state. The key is the peer's address in four
 * words and both ports in one.
 */
const keyWords = 5;
const queueWord = keyWords;
const stateWord = keyWords + 1;
const rowWords = keyWords + 2;

/**
 * A row that finds no place within so many steps is left out. Whoever chooses addresses shall not choose how long a
 * search takes.
 */
const mostSteps = 64;

/** What is left of a connection when its socket is gone; there may be very many. */
const timeWait = 6;
/** The peer's FIN is here, and it may be that what came before is not read. Then ours has been sent, too. */
const closeWait = 8;
const lastAck = 9;

const newline = 10;
const colon = 58;

/** Different in each process, so that nobody outside knows which keys fall together. */
const seed = Math.floor(Math.random() * 2 ** 32);

export class KernelTable {
  /** Rows, one after the other, with room for more. */
  #rows = new Uint32Array(rowWords * 128);
  #count = 0;
  /**
   * Open addressing: at the place that a key's hash names, or behind it, stands the number of its row, from 1. At most
   * half of it is used.
   */
  #index = new Uint32Array(256);

  /**
   * Takes the whole lines at the beginning of `text`, and returns how many bytes those are. An address has as many
   * words in them as `addressWords` says: 1 in the table of IPv4, 4 in that of IPv6.
   */
  add(text: Uint8Array, addressWords: 1 | 4): number {
    let at = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, at)) {
      this.#addLine(text, at, end, addressWords);
      at = end + 1;
    }
    return at;
  }

  /** The bytes that the kernel holds for a socket's peer; `null` where it is in no row. */
  queueOf(socket: Socket): number | null {
    const row = this.#find(keyOf(socket));
    return row === null ? null : this.#rows[row + queueWord]!;
  }

  /** Whether a socket's peer has sent its FIN; `null` where it is in no row. */
  hasEnded(socket: Socket): boolean | null {
    const row = this.#find(keyOf(socket));
    if (row === null) return null;
    const state = this.#rows[row + stateWord]!;
    return state === closeWait || state === lastAck;
  }

  /** Where the row of a key begins. */
  #find(key: Uint32Array): number | null {
    const last = this.#index.length - 1;
    const first = hashOf(key, 0);
    for (let step = 0; step < mostSteps; step++) {
      const number = this.#index[(first + step) & last]!;
      if (number === 0) return null;
      const row = (number - 1) * rowWords;
      if (key.every((word, i) => this.#rows[row + i] === word)) return row;
    }
    return null;
  }

  /**
   * The columns have fixed widths behind the line's number. Lines without a row, such as the heading, are passed over.
   */
  #addLine(text: Uint8Array, from: number, end: number, addressWords: 1 | 4): void {
    const number = text.indexOf(colon, from);
    const localPort = number + 3 + addressWords * 8;
    const remote = localPort + 5;
    const remotePort = remote + addressWords * 8 + 1;
    const state = remotePort + 5;
    const queue = state + 3;
    if (number < 0 || queue + 8 > end || text[localPort - 1] !== colon || text[remotePort - 1] !== colon) return;
    const inState = hexAt(text, state, 2);
    if (inState === timeWait) return;
    if ((this.#count + 1) * rowWords > this.#rows.length) this.#grow();
    const rows = this.#rows;
    const row = this.#count * rowWords;
    if (addressWords === 1) rows.set(mapped, row);
    for (let i = 0; i < addressWords; i++) rows[row + 4 - addressWords + i] = hexAt(text, remote + i * 8, 8);
    rows[row + 4] = portsWord(hexAt(text, localPort, 4), hexAt(text, remotePort, 4));
    rows[row + queueWord] = hexAt(text, queue, 8);
    rows[row + stateWord] = inState;
    this.#enter(++this.#count);
  }

  #grow(): void {
    const grown = new Uint32Array(this.#rows.length * 2);
    grown.set(this.#rows);
    this.#rows = grown;
    this.#index = new Uint32Array(this.#index.length * 2);
    for (let number = 1; number <= this.#count; number++) this.#enter(number);
  }

  #enter(number: number): void {
    const last = this.#index.length - 1;
    const first = hashOf(this.#rows, (number - 1) * rowWords);
    for (let step = 0; step < mostSteps; step++) {
      const place = (first + step) & last;
      if (this.#index[place] !== 0) continue;
      this.#index[place] = number;
      return;
    }
  }
}

/** Mixes the words of a key: the steps of MurmurHash3, of which each bit changes half of the result's. */
function hashOf(words: Uint32Array, at: number): number {
  let hash = seed;
  for (let i = at; i < at + keyWords; i++) {
    const word = Math.imul(words[i]!, 0xcc9e2d51);
    hash ^= Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Of bytes that are no digits it makes some number. */
function hexAt(text: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const byte = text[i]!;
    value = (value << 4) | ((byte & 15) + (byte > 57 ? 9 : 0));
  }
  return value >>> 0;
}

function portsWord(local: number, remote: number): number {
  return ((local << 16) | remote) >>> 0;
}

/** What stands before an IPv4 address in one of IPv6, `::ffff:a.b.c.d`: both are that IPv4 address. */
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const mapped = new Uint32Array(Uint8Array.from(mappedPrefix).buffer);

function keyOf({ localPort, remoteAddress, remotePort }: Socket): Uint32Array {
  const key = new Uint32Array(keyWords);
  writeAddress(new Uint8Array(key.buffer), remoteAddress ?? '');
  key[4] = portsWord(localPort ?? 0, remotePort ?? 0);
  return key;
}

/** Writes an address as Node names it: the kernel's words are the address in the byte order of this machine. */
function writeAddress(bytes: Uint8Array, address: string): void {
  const v4 = address.startsWith('::ffff:') ? address.slice(7) : address;
  if (!v4.includes(':')) {
    bytes.set(mappedPrefix);
    bytes.set(v4.split('.', 4).map(Number), mappedPrefix.length);
    return;
  }
  const [left, right = ''] = v4.split('%')[0]!.split('::');
  const groupsOf = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const head = groupsOf(left!);
  const tail = groupsOf(right);
  const groups = [...head, ...new Array<number>(Math.max(0, 8 - head.length - tail.length)).fill(0), ...tail];
  for (let i = 0; i < 8; i++) {
    bytes[i * 2] = groups[i]! >> 8;
    bytes[i * 2 + 1] = groups[i]! & 255;
  }
}
