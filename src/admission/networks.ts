/** A set of networks, such as those of `trusted_proxies`. */
import { BlockList, isIP, isIPv4 } from 'node:net';

export class Networks {
  readonly isEmpty: boolean;
  readonly #list = new BlockList();

  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address, bits] = network.split('/') as [string, string | undefined];
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether an address, in the form of `plainAddress`, is in one of them. */
  includes(address: string): boolean {
    if (this.isEmpty) return false;
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}
