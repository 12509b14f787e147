/** The settings of `quotas`, one row each; `settings.ts` says how to add one. */
import type { QuotaStoreConfig } from '../types.ts';
import * as is from './setting-kinds.ts';
import type { SettingRows, ValuesOf } from './settings.ts';

/** By their paths at the file's top. */
export const quotaSettings = {
  'quotas.store': {
    kind: is.store,
    about:
      "A server of Redis (5 or newer) or Valkey, by which all pods count together: `limits.connections.max`, `max_per_address`, `max_per_user` and `rates` of each route then hold over all of them. Each handshake asks it once, and so does each plain request where the route has a rate for those. What the pod's own count refuses is not asked.",
    isRequired: true,
    builtIn: null,
    field: 'quotas',
    reload: 'restart',
    none: 'none, each pod counts alone',
  },
  'quotas.username': {
    kind: is.userName,
    about: 'The user, where the server has an ACL. Left out, the one that is called `default`.',
    builtIn: null,
    reload: 'restart',
  },
  'quotas.password_file': {
    kind: is.file,
    about: 'A file that holds the password. It is read again when it changes, for the next connection.',
    builtIn: null,
    reload: 'restart',
  },
  'quotas.timeout': {
    kind: is.finiteDuration,
    about:
      'How long a handshake waits for the store, at the most. Where it takes longer the store is given up until it answers again, and the pod counts alone.',
    // In one machine room it answers within a millisecond; between two it takes some tens.
    builtIn: 250,
    reload: 'restart',
  },
  'quotas.prefix': {
    kind: is.name,
    about:
      'What all keys begin with, in braces. Gateways that share a server and shall count apart have different ones.',
    builtIn: 'sluice',
    reload: 'restart',
  },
  'quotas.tls.ca': {
    kind: is.file,
    about: 'The authorities that may vouch for the server, PEM. Left out, the public ones.',
    builtIn: null,
    reload: 'restart',
  },
  'quotas.tls.server_name': {
    kind: is.serverName,
    about: 'The name that its certificate must hold, where that is another than the host of `store`.',
    builtIn: null,
    reload: 'restart',
  },
  'quotas.tls.client_cert': {
    kind: is.file,
    about: 'The certificate that Sluice shows the server, with its chain, PEM; it needs `client_key`.',
    builtIn: null,
    reload: 'restart',
  },
  'quotas.tls.client_key': {
    kind: is.file,
    about: 'The private key of `client_cert`, PEM.',
    builtIn: null,
    reload: 'restart',
  },
} as const satisfies SettingRows;

/** What the sections are for. */
export const quotaSections: Readonly<Record<string, string>> = {
  quotas:
    'Caps and rates over all pods: see [scaling.md](scaling.md#caps-and-rates-over-all-pods). Left out, each pod counts alone. Where the store does not answer, each pod counts alone too, and nobody waits or is refused for it.',
  'quotas.tls': 'How TLS with a `rediss://` server is made sure of. The files are read again when they change.',
};

/** What the section says; `null` where it is not there. */
export function quotasOf(top: ValuesOf<typeof quotaSettings>): QuotaStoreConfig | null {
  const store = top['quotas.store'];
  if (store === null) return null;
  return {
    ...store,
    username: top['quotas.username'],
    passwordFile: top['quotas.password_file'],
    timeoutMs: top['quotas.timeout'],
    prefix: top['quotas.prefix'],
    tls: {
      ca: top['quotas.tls.ca'],
      serverName: top['quotas.tls.server_name'],
      clientCert: top['quotas.tls.client_cert'],
      clientKey: top['quotas.tls.client_key'],
      insecureSkipVerify: false,
    },
  };
}
