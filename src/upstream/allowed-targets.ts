/**
 * Where a target may lead that was not chosen by the configuration. This is asked when a route is set, if its target is
 * an address, and again when a connection is made: a name may resolve to anything, and to something else each time.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import { plainAddress } from '../admission/ip.ts';
import type { UpstreamTarget } from '../config/types.ts';
import type { OwnAddresses } from './own-addresses.ts';

/**
 * Clouds tell whoever asks at these who the machine is, and give its keys: link-local addresses, of IPv4 also as IPv6
 * has them within it (NAT64, 6to4, and as they once were), and the places that AWS, Google, Azure, Oracle and Alibaba
 * have elsewhere.
 */
const metadata = [
  '169.254.0.0/16',
  'fe80::/10',
  '64:ff9b::a9fe:0/112',
  '2002:a9fe::/32',
  '::a9fe:0/112',
  'fd00:ec2::254',
  'fd20:ce::254',
  '168.63.129.16',
  '192.0.0.192',
  '100.100.100.200',
];

export class AllowedTargets {
  /** `null` is everywhere but where clouds have their metadata. */
  readonly #networks: BlockList | null;
  readonly #folders: readonly string[] | null;
  readonly #denied = listOf(metadata);
  readonly #own: OwnAddresses;

  /** `own`: where this process listens. */
  constructor(targets: readonly string[] | null, own: OwnAddresses) {
    this.#networks = targets === null ? null : listOf(targets.filter((target) => !target.startsWith('unix:')));
    this.#folders = targets?.filter((target) => target.startsWith('unix:')).map((target) => target.slice(5)) ?? null;
    this.#own = own;
  }

  /** Why a target is not allowed as it is written; `null` if it is, or if its name says nothing yet. */
  refuse(target: UpstreamTarget): string | null {
    const { host, socketPath } = target;
    if (socketPath !== undefined) return this.#refuseSocket(socketPath);
    if (host === 'localhost' || host.endsWith('.localhost')) return this.refuseAddress(target, '127.0.0.1');
    return isIP(host) === 0 ? null : this.refuseAddress(target, host);
  }

  /** Why nobody may connect to this address of a target. */
  refuseAddress({ port }: UpstreamTarget, address: string): string | null {
    const plain = plainAddress(address);
    if (plain === null) return `${address} is no address`;
    const circle = this.#own.refuse(plain, port);
    if (circle !== null) return circle;
    if (this.#networks !== null) {
      return includes(this.#networks, plain) ? null : `${plain} is in none of the networks of routes_api.targets`;
    }
    if (!includes(this.#denied, plain)) return null;
    return `${plain} is where clouds have their metadata; if a server is there, name its network in routes_api.targets`;
  }

  #refuseSocket(path: string): string | null {
    const circle = this.#own.refuseSocket(path);
    if (circle !== null) return circle;
    if (path.split('/').some((segment) => segment === '..' || segment === '.')) return `${path} holds a dot segment`;
    if (this.#folders === null || this.#folders.some((folder) => folder === path || path.startsWith(`${folder}/`)))
      return null;
    return `${path} is in none of the folders of routes_api.targets`;
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, bits] = network.split('/') as [string, string | undefined];
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function includes(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
