/** The peers that were already warned about, for forwarding headers that do not count. */

/**
 * The most peers that are remembered. That is enough for every load balancer of a cluster. If somebody invents more
 * addresses, they are not worth a line each.
 */
const maxRemembered = 1024;

export class UntrustedPeers {
  readonly #seen = new Set<string>();

  /** Whether to warn about this peer: it is its first time, and there is room to remember it. */
  isNew(address: string): boolean {
    if (this.#seen.has(address) || this.#seen.size >= maxRemembered) return false;
    this.#seen.add(address);
    return true;
  }
}
