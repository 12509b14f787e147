/** A route that serves everybody. */
import type { Access } from '../../src/config/types.ts';

const open = { allow: null, deny: [] };

export const openAccess: Access = { networks: open, hosts: open, methods: open };
