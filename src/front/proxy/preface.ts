/**
 * The beginning of a connection where `listen.proxy_protocol` names somebody: bytes are read until it is clear what
 * they are.
 *
 *   reading ─► passed on: with a header from one who must send it, or without one from anybody else
 *      ├─────► refused: the header is missing, broken, late, or from somebody who may not send it
 *      └─────► gone: the peer left, or never said anything
 */
import type { Socket } from 'node:net';
import { contain } from '../../mistakes.ts';
import { longestHeader, readProxyHeader } from './header.ts';

export interface PrefaceEvents {
  /** The socket is paused and has no listener of this. `address` is the client's; `null` where it is the peer's own. */
  passed(address: string | null, rest: Buffer): void;
  /** The socket goes. */
  refused(detail: string): void;
}

export class Preface {
  readonly #socket: Socket;
  readonly #mustSend: boolean;
  readonly #events: PrefaceEvents;
  #bytes: Buffer = Buffer.alloc(0);

  /** `mustSend`: whether the peer is one that must send a header; anybody else may not. */
  constructor(socket: Socket, mustSend: boolean, events: PrefaceEvents) {
    this.#socket = socket;
    this.#mustSend = mustSend;
    this.#events = events;
    socket.on('data', this.#read).on('end', this.#end).on('error', this.#fail);
  }

  /** The time is over. A peer that has said nothing is a probe, or a browser that connects in advance. */
  late(): void {
    if (this.#bytes.length > 0) this.#refuse('the PROXY protocol header did not come within timeouts.headers');
    else this.#drop();
  }

  readonly #read = (chunk: Buffer) => this.#contained(() => this.#take(chunk));

  readonly #end = () =>
    this.#contained(() => {
      if (this.#bytes.length > 0) this.#refuse('the peer left within a PROXY protocol header');
      else this.#drop();
    });

  readonly #fail = () => this.#drop();

  /** What a socket calls: a mistake ends this connection, whoever has it by now. */
  #contained(call: () => void): void {
    contain(call, () => this.#drop());
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const reading = readProxyHeader(this.#bytes.subarray(0, longestHeader));
    if (reading.is === 'partial') return;
    if (!this.#mustSend) {
      if (reading.is === 'absent') this.#pass(null, 0);
      else this.#refuse('a peer that listen.proxy_protocol does not name sent a PROXY protocol header');
    } else if (reading.is === 'whole') this.#pass(reading.address, reading.bytes);
    else if (reading.is === 'broken') this.#refuse(reading.problem);
    else this.#refuse('a peer that listen.proxy_protocol names sent no PROXY protocol header');
  }

  #pass(address: string | null, bytes: number): void {
    this.#leave();
    this.#socket.pause();
    this.#events.passed(address, this.#bytes.subarray(bytes));
  }

  #refuse(detail: string): void {
    this.#drop();
    this.#events.refused(detail);
  }

  #drop(): void {
    this.#leave();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
  }

  #leave(): void {
    this.#socket.off('data', this.#read).off('end', this.#end).off('error', this.#fail);
  }
}
