/** Connection slots of one route: `connections.max` and `connections.max_per_address`, lent from handshake to end. */
import type { Refused } from './verdict.ts';

/** The caps, read anew at each handshake. */
export interface Caps {
  readonly max: number;
  readonly maxPerAddress: number;
}

export class ConnectionSlots {
  #taken = 0;
  readonly #byAddress = new Map<string, number>();

  /** Slots that are lent now. */
  get taken(): number {
    return this.#taken;
  }

  /** Lends a slot to a connection from `address`, or says which cap is reached. Disposing of the lease gives it back. */
  take(address: string, caps: Caps): Disposable | Refused {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#taken >= caps.max) return refuse('too_many_connections', 'connections.max', caps.max, this.#taken + 1);
    if (ofAddress >= caps.maxPerAddress) {
      return refuse('too_many_per_address', 'connections.max_per_address', caps.maxPerAddress, ofAddress + 1);
    }
    this.#taken++;
    this.#byAddress.set(address, ofAddress + 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#giveBack(address);
        held = false;
      },
    };
  }

  #giveBack(address: string): void {
    this.#taken--;
    const left = this.#byAddress.get(address)! - 1;
    if (left === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, left);
  }
}

function refuse(
  outcome: 'too_many_connections' | 'too_many_per_address',
  name: 'connections.max' | 'connections.max_per_address',
  configured: number,
  observed: number,
): Refused {
  return { outcome, detail: `${name} is ${configured}`, limit: { name, configured, observed } };
}
