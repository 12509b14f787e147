/** What is valid and still likely to hurt of who may come in: networks, methods, and who may say where clients come from. */
import type { Listen, Route } from '../types.ts';

/** Of `listen.proxy_protocol`. */
export function proxyProtocolWarnings({ proxyProtocol }: Pick<Listen, 'proxyProtocol'>): string[] {
  const open = proxyProtocol.find((network) => network.endsWith('/0'));
  if (open === undefined) return [];
  return [
    `names every address (${open}), so whoever connects may say which client they are, and pass every cap and access.networks so. ` +
      'Name the load balancers alone.',
  ];
}

/** Of `access` of a route. */
export function accessWarnings({ access }: Pick<Route, 'access'>, listen: Listen): string[] {
  return [...blindNetworks(access, listen), ...withoutGet(access)];
}

function blindNetworks({ networks }: Route['access'], { trustedProxies, proxyProtocol }: Listen): string[] {
  if (networks.allow === null && networks.deny.length === 0) return [];
  if (trustedProxies.length > 0 || proxyProtocol.length > 0) return [];
  return [
    'access.networks judges the address that connects, which behind an ingress or load balancer is theirs for every client. ' +
      'Name it in listen.trusted_proxies, or in listen.proxy_protocol, unless clients connect directly.',
  ];
}

function withoutGet({ methods }: Route['access']): string[] {
  const isServed = (methods.allow?.includes('GET') ?? true) && !methods.deny.includes('GET');
  if (isServed) return [];
  return ['access.methods serves no GET, so no page and no WebSocket connection opens. Add GET unless that is meant.'];
}
