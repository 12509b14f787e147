/** Makes the shared quotas of a configuration: how long they wait, and what the log says of their store. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { QuotaStoreConfig } from '../config/types.ts';
import { clean } from '../observe/log/clean.ts';
import type { Log } from '../observe/log/log.ts';
import type { QuotaStoreCounters } from '../observe/metrics/counters.ts';
import type { Connector } from '../upstream/connect.ts';
import { SharedQuotas } from './shared-quotas.ts';

export interface OpenParts {
  readonly log: Log;
  readonly connector: Connector;
  readonly counters: QuotaStoreCounters;
  /** What `password_file` holds now; `null` for nothing. */
  readonly password: () => string | null;
}

/** So long a pod that is gone is still counted; it says three times in it that it is there. */
const leaseMs = 30_000;
/** Between two attempts, at first and at most. */
const retryMs = { first: 200, most: 5000 };

/** The quotas, which are not connected yet. */
export function openQuotas(config: QuotaStoreConfig, { log, connector, counters, password }: OpenParts): SharedQuotas {
  const { target, tls, database, timeoutMs, prefix, username } = config;
  const store = target.href;
  /** Of the last line; `null` where it is there. */
  let told: string | null = '';
  return new SharedQuotas({
    prefix,
    database,
    counters,
    timeoutMs,
    leaseMs,
    // The name is for people who look into the store; two processes may have one.
    pod: `${hostname().slice(0, 63)}-${randomBytes(9).toString('base64url')}`,
    dial: async (dialMs, signal) => {
      try {
        const dialled = await connector.connect({ target, tls, protocols: [], timeoutMs: dialMs, signal });
        return 'socket' in dialled ? dialled : { problem: dialled.detail };
      } catch (error) {
        // A mistake of our own here must not end the connections of people.
        return { problem: (error as Error).message };
      }
    },
    credentials: () => {
      const secret = password();
      return secret === null ? null : { username, password: secret };
    },
    // All pods lose it at the same moment, and shall not come back at the same one.
    retryMs: (failed) => Math.min(retryMs.most, retryMs.first * 2 ** failed) * (0.5 + Math.random() / 2),
    found: () => {
      told = null;
      log.tell('quota_store_found', { store });
    },
    lost: (problem) => {
      counters.lost++;
      const words = clean(hideSecret(problem, password()));
      if (words === told) return;
      told = words;
      log.tell('quota_store_lost', { store, problem: words });
    },
  });
}

/** A server may quote what it was told. */
function hideSecret(text: string, secret: string | null): string {
  return secret === null ? text : text.replaceAll(secret, '[redacted]');
}
