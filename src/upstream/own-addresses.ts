/**
 * Where this process listens: what is forwarded there comes back, and goes round until no connection is left. The
 * configuration shows that only where an address is written in it; a name may resolve to this machine.
 */
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { plainAddress } from '../admission/ip.ts';
import type { ListenAddress } from '../config/types.ts';

export class OwnAddresses {
  readonly #own: () => readonly ListenAddress[];
  readonly #interfaces: typeof networkInterfaces;

  /** `interfaces` are the machine's; it throws where the system does not say. */
  constructor(own: () => readonly ListenAddress[], interfaces = networkInterfaces) {
    this.#own = own;
    this.#interfaces = interfaces;
  }

  /** Why nobody may be forwarded to an address; `null` where Sluice does not listen there. */
  refuse(address: string, port: number): string | null {
    // Mostly none is.
    const atPort = this.#own().filter((own) => own.kind === 'tcp' && own.port === port);
    if (atPort.length === 0) return null;
    const plain = plainAddress(address) ?? address;
    const isHere = atPort.some((own) => own.kind === 'tcp' && this.#isOwn(plain, own.host));
    return isHere ? refusal(`${plain.includes(':') ? `[${plain}]` : plain}:${port}`) : null;
  }

  /** The same for the path of a unix socket. */
  refuseSocket(path: string): string | null {
    return this.#own().some((own) => own.kind === 'unix' && own.path === path) ? refusal(path) : null;
  }

  /** Whether a connection to an address comes out at a listener of this machine. */
  #isOwn(address: string, listens: string): boolean {
    // Whoever connects to the wildcard address reaches this machine's loopback.
    const reached = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    if (reached === listens) return true;
    if (listens === 'localhost') return reached === '127.0.0.1' || reached === '::1';
    if (listens === '0.0.0.0' && !isIPv4(reached)) return false;
    return (listens === '0.0.0.0' || listens === '::') && (isLoopback(reached) || this.#isOfMachine(reached));
  }

  #isOfMachine(address: string): boolean {
    try {
      const lists = Object.values(this.#interfaces());
      return lists.some((list) => list?.some((one) => plainAddress(one.address) === address));
    } catch {
      // Without a descriptor, and in some sandboxes, the system does not say.
      return false;
    }
  }
}

function refusal(place: string): string {
  return `${place} is where Sluice itself listens, and a request would go round in a circle`;
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIPv4(address) && address.startsWith('127.'));
}
