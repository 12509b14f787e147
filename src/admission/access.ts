/**
 * The `access` of a route: which networks, hosts and methods it serves. An allow list names everything that is served;
 * a deny list wins over it.
 */
import type { AccessList, Route } from '../config/types.ts';
import { hostOf } from '../http/host.ts';
import { methods } from '../http/wire/start-line.ts';
import { Networks } from './networks.ts';
import type { Refused } from './verdict.ts';
import type { Step } from './visit.ts';

/**
 * Refuses clients by their address; `null` if the route serves all. A local peer that names nobody is in no network.
 */
export function networkStep({ access }: Pick<Route, 'access'>): Step | null {
  const { allow, deny } = access.networks;
  if (isOpen(access.networks)) return null;
  const [allowed, denied] = [allow && new Networks(allow), new Networks(deny)];
  return ({ address }) => {
    if (denied.includes(address)) return refuse('network_refused', 'the address is in access.networks.deny');
    if (allowed === null || allowed.includes(address)) return null;
    return refuse('network_refused', 'the address is not in access.networks.allow');
  };
}

/** Refuses requests by the host that they are for; `null` if the route serves all. */
export function hostStep({ access }: Pick<Route, 'access'>): Step | null {
  const { allow, deny } = access.hosts;
  if (isOpen(access.hosts)) return null;
  return (visit) => {
    // The route was found by it, so it is one.
    const host = hostOf(visit.host) ?? '';
    if (deny.some((pattern) => isHostOf(pattern, host))) {
      return refuse('host_refused', 'the host is in access.hosts.deny');
    }
    if (allow === null || allow.some((pattern) => isHostOf(pattern, host))) return null;
    return refuse('host_refused', 'the host is not in access.hosts.allow');
  };
}

/**
 * Refuses requests by their method; `null` if the route serves all. The answer names the methods that are served (RFC
 * 9110 §15.5.6).
 */
export function methodStep({ access }: Pick<Route, 'access'>): Step | null {
  const { allow, deny } = access.methods;
  if (isOpen(access.methods)) return null;
  const served = (allow ?? methods).filter((method) => !deny.includes(method)).join(', ');
  const fields = [['Allow', served]] as const;
  return ({ method }) => {
    if (deny.includes(method)) return { ...refuse('method_refused', 'the method is in access.methods.deny'), fields };
    if (allow === null || allow.includes(method)) return null;
    return { ...refuse('method_refused', 'the method is not in access.methods.allow'), fields };
  };
}

function isOpen({ allow, deny }: AccessList): boolean {
  return allow === null && deny.length === 0;
}

function isHostOf(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function refuse(outcome: 'network_refused' | 'host_refused' | 'method_refused', detail: string): Refused {
  return { outcome, detail };
}
