/** A route that serves everybody. */
import type { Access, AddressRateLimits } from '../../src/config/types.ts';

const open = { allow: null, deny: [] };

/** However often they ask. */
export const anyRate: AddressRateLimits = { handshakesPerAddress: null, requestsPerAddress: null };

export const openAccess: Access = { networks: open, hosts: open, methods: open };
