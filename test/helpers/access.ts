/** A route that serves everybody. */
import type { Access, AskingRates, Route } from '../../src/config/types.ts';

const open = { allow: null, deny: [] };

/** However often they ask. */
export const anyRate: AskingRates = {
  handshakesPerAddress: null,
  requestsPerAddress: null,
  handshakesPerUser: null,
  requestsPerUser: null,
};

export const openAccess: Access = { networks: open, hosts: open, methods: open };

/** However many connections there are, nearly. */
export const anyCaps: Route['connections'] = {
  max: 10_000,
  maxPerAddress: Number.POSITIVE_INFINITY,
  maxPerUser: Number.POSITIVE_INFINITY,
  onLimit: 'reject',
};
