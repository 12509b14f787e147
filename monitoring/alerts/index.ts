/** Every alert, by topic. */
import type { AlertGroup } from '../alert.ts';
import { auth } from './auth.ts';
import { availability } from './availability.ts';
import { capacity } from './capacity.ts';
import { configuration } from './configuration.ts';
import { hub } from './hub.ts';
import { limits } from './limits.ts';
import { quotas } from './quotas.ts';
import { upstreams } from './upstreams.ts';

export const alertGroups: readonly AlertGroup[] = [
  availability,
  configuration,
  capacity,
  upstreams,
  auth,
  limits,
  quotas,
  hub,
];
