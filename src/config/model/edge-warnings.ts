/** Warnings about who may come in: networks, methods, rates, and who may say where clients come from. */
import type { Rate } from '../../catalogue/limit-values.ts';
import type { Listen, QuotaStoreConfig, Route } from '../types.ts';
import { pageLoadOf } from './page-loads.ts';
import type { PresetName } from './presets.ts';

/** Of `listen.proxy_protocol`. */
export function proxyProtocolWarnings({ proxyProtocol }: Pick<Listen, 'proxyProtocol'>): string[] {
  const open = proxyProtocol.find((network) => network.endsWith('/0'));
  if (open === undefined) return [];
  return [
    `names every address (${open}), so whoever connects may say which client they are, and pass every cap and access.networks so. ` +
      'Name the load balancers alone.',
  ];
}

/** Of `quotas`. */
export function quotaWarnings(quotas: QuotaStoreConfig | null): string[] {
  if (quotas === null || quotas.passwordFile === null || quotas.target.protocol === 'https:') return [];
  const { host, href } = quotas.target;
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return [];
  return [
    `sends the password to ${host} in clear, and names of routes too: whoever stands between may read both. ` +
      `Write ${href.replace(/^redis:/i, 'rediss:')} where the server speaks TLS, unless nobody else is in that network.`,
  ];
}

/** Of `rates` of a route. */
export function rateWarnings({ rates, preset }: Pick<Route, 'rates'> & { preset: PresetName | null }, listen: Listen) {
  const { requestsPerAddress: requests, handshakesPerAddress, requestsPerUser, handshakesPerUser } = rates;
  const handshakes = handshakesPerAddress?.isReported ? null : handshakesPerAddress;
  const page = pageLoadOf(preset);
  return [
    ...smallBurst('requests_per_address', requests, page.requests, 'requests'),
    ...smallBurst('requests_per_user', requestsPerUser, page.requests, 'requests'),
    ...smallBurst('handshakes_per_address', handshakes, page.handshakes, 'WebSocket handshakes'),
    ...smallBurst('handshakes_per_user', handshakesPerUser, page.handshakes, 'WebSocket handshakes'),
    ...((requests !== null || handshakes !== null) && isBlind(listen)
      ? [
          'rates counts the address that connects, which behind an ingress or load balancer is theirs for every client, so that all share one rate. ' +
            'Name it in listen.trusted_proxies, or in listen.proxy_protocol, unless clients connect directly.',
        ]
      : []),
  ];
}

function smallBurst(key: string, rate: Rate | null, ofPage: number, what: string): string[] {
  if (rate === null || rate.burst >= ofPage) return [];
  return [
    `rates.${key} has a burst of ${rate.burst}, and one page may be ${ofPage} ${what} at once: some of its parts get 429. ` +
      `Write {rate: ${rate.perSecond}/s, burst: ${4 * ofPage}} or so.`,
  ];
}

/** Of the caps and rates of users. */
export function userWarnings({
  rates,
  connections,
  auth,
  identity,
}: Pick<Route, 'rates' | 'connections' | 'auth' | 'identity'>): string[] {
  const { maxPerUser, onLimit } = connections;
  const bound = [
    ...(Number.isFinite(maxPerUser) ? ['limits.connections.max_per_user'] : []),
    ...(rates.handshakesPerUser === null ? [] : ['rates.handshakes_per_user']),
    ...(rates.requestsPerUser === null ? [] : ['rates.requests_per_user']),
  ];
  if (bound.length === 0 || auth !== null) return [];
  const names = bound.join(' and ');
  if (identity === null) return [`${names}: no user is known here, so nobody is bound. Set auth, or identity.`];
  if ('header' in identity) return [];
  return [
    `${names} ${bound.length === 1 ? 'counts' : 'count'} by the name in the path, which anybody may write there: somebody else's places and rates can be used up` +
      `${onLimit === 'evict_oldest' ? ', and nobody is evicted' : ''}. Set auth, or identity.header behind a proxy that signs users in.`,
  ];
}

function isBlind({ trustedProxies, proxyProtocol }: Listen): boolean {
  return trustedProxies.length === 0 && proxyProtocol.length === 0;
}

/** Of `access` of a route. */
export function accessWarnings({ access }: Pick<Route, 'access'>, listen: Listen): string[] {
  return [...blindNetworks(access, listen), ...withoutGet(access)];
}

function blindNetworks({ networks }: Route['access'], listen: Listen): string[] {
  if (networks.allow === null && networks.deny.length === 0) return [];
  if (!isBlind(listen)) return [];
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
