import { networkInterfaces } from 'node:os';

/** Whether this machine has the loopback address of IPv6: containers often have none. */
export const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);
