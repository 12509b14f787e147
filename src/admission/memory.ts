/** Everything that waits in memory counts against one bound: `memory.max_buffered`. */
import type { Verdict } from './verdict.ts';

/** What the buffers of all connections hold, and may hold, in bytes. */
export interface MemoryState {
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Whether so much is held that no new connection should add to it. */
  readonly pressed: boolean;
}

/** One that holds memory and can be made to let it go. */
export interface MemoryHolder {
  /** What it holds, in bytes. */
  readonly capacity: number;
  /** Whether it has ended for its memory already, and only its last bytes are left. */
  readonly isShed: boolean;
  /** Ends it, for its memory. */
  shed(limitBytes: number, observedBytes: number): void;
}

/** Where is written down what is held. */
export interface MemoryLedger extends MemoryState {
  take(bytes: number): void;
  give(bytes: number): void;
  /** Holders beside the relay's connections. The largest goes first when more is held than may be. */
  readonly holders: Set<MemoryHolder>;
}

/** Refuses while the connections that are open need what is left. */
export function checkMemory(memory: MemoryState): Verdict {
  return memory.pressed ? { outcome: 'memory', detail: describePressure(memory) } : null;
}

/** Why nobody is admitted, for the log. */
export function describePressure({ usedBytes, limitBytes }: MemoryState): string {
  return `buffers hold ${usedBytes} of memory.max_buffered ${limitBytes} bytes`;
}

/** What one of many holds. */
export class Holding {
  readonly #ledger: MemoryLedger;
  #bytes = 0;

  constructor(ledger: MemoryLedger) {
    this.#ledger = ledger;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** It holds so many bytes now. */
  set bytes(bytes: number) {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    if (more > 0) this.#ledger.take(more);
    else if (more < 0) this.#ledger.give(-more);
  }
}
