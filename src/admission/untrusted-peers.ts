/** Which peers were already warned about for forwarding headers that do not count. */

/** Enough for every load balancer of a cluster; whoever invents more addresses than this is not worth a line each. */
const maxRemembered = 1024;

export class UntrustedPeers {
  readonly #seen = new Set<string>();

  /** Whether this peer deserves a warning: its first time, while there is room to remember it. */
  isNew(address: string): boolean {
    if (this.#seen.has(address) || this.#seen.size >= maxRemembered) return false;
    this.#seen.add(address);
    return true;
  }
}
