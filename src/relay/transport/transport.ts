/**
 * A connection to one peer, whatever carries it: what is read from it, what is written to it, and its end. Only this
 * room knows TCP from TLS; the rest of the relay knows this interface, and a test may give it bytes from a list.
 */
import type { ReadSide } from '../core/sides.ts';
import type { KernelQueue } from '../core/stall.ts';
import type { Keeper } from '../memory/read-buffers.ts';
import type { Output } from './output.ts';

/** Who hears of it. */
export interface TransportListener {
  /** Bytes were read. `keeper` is `null` where they must be copied before they are written or kept. */
  read(chunk: Buffer, start: number, end: number, keeper: Keeper | null): void;
  /** The kernel has taken what waited. */
  accepted(): void;
  /** The peer sent FIN. */
  ended(): void;
  /** It is gone. */
  closed(): void;
}

export interface Transport extends ReadSide {
  readonly output: Output;
  /** Delivers what came before, such as the bytes behind a handshake. Reading itself begins with `resume`. */
  begin(listener: TransportListener): void;
  /** Reads nothing until `carryOn` or `resume`, and says whether it did before. */
  halt(): boolean;
  carryOn(): void;
  /** It has lasted for a while: from now on the kernel may look after its peer. */
  last(): void;
  /** Gives a read buffer back where nothing has come for a while. */
  yieldBuffer(): void;
  /**
   * Closes the connection behind what the kernel has taken, and awaits nothing more of the peer. `false` where that
   * needs a goodbye of its own, as with TLS: then nothing has happened.
   */
  hangUp(): boolean;
  /** What the kernel still holds for the peer. */
  kernelQueue(now: number): KernelQueue;
}
