/** What only routes have, one row each; `settings.ts` says how to add one. */

import { authEntries, fieldHeader } from './auth-keys.ts';
import { pagesPerSecond, peopleAtOnce } from './page-loads.ts';
import { presetNames } from './presets.ts';
import * as is from './setting-kinds.ts';
import type { SettingRows, ValuesOf } from './settings.ts';
import { validationSettings } from './validation-settings.ts';

/** By their paths below a route. */
export const ownSettings = {
  name: {
    kind: is.name,
    about: 'The route in metrics, logs and close reasons. Unique.',
    isRequired: true,
    reload: 'new',
  },
  'match.hosts': {
    kind: is.listOf(is.kind.host, 1),
    about: 'The hosts of the request, without port. Left out, every host.',
    builtIn: null,
    reload: 'new',
  },
  'match.path': {
    kind: is.path,
    about: 'The path, as a prefix that ends at a segment.',
    builtIn: '/',
    reload: 'new',
  },
  upstream: {
    kind: is.backend,
    about: "The backend. The request's path goes to it unchanged.",
    isRequired: true,
    reload: 'new',
  },
  preset: {
    kind: is.oneOf(...presetNames),
    about: "The backend's kind: limits and timeouts that fit it. See the table of presets.",
    builtIn: null,
    reload: 'new',
  },
  origins: {
    kind: is.listOf(is.kind.origin, 1),
    about:
      'The pages that may connect, as browsers name them in `Origin`. Left out, every page may. A request without Origin passes unless `require_origin` is set.',
    builtIn: null,
    reload: 'new',
  },
  require_origin: {
    kind: is.flag,
    about: 'Refuses a handshake without `Origin` (403).',
    builtIn: false,
    reload: 'new',
  },
  'access.networks.allow': {
    kind: is.listOf(is.kind.network, 1),
    about: 'The only clients that are served, by their addresses behind `listen.trusted_proxies`. Left out, all.',
    builtIn: null,
    reload: 'new',
  },
  'access.networks.deny': {
    kind: is.listOf(is.kind.network),
    about: 'Clients that are not served, also where `allow` names them.',
    builtIn: [],
    reload: 'new',
  },
  'access.hosts.allow': {
    kind: is.listOf(is.kind.host, 1),
    about: 'The only hosts that are served, of those that `match` takes. Left out, all.',
    builtIn: null,
    reload: 'new',
  },
  'access.hosts.deny': {
    kind: is.listOf(is.kind.host),
    about: 'Hosts that are not served, also where `allow` names them.',
    builtIn: [],
    reload: 'new',
  },
  'access.methods.allow': {
    kind: is.listOf(is.kind.method, 1),
    about: 'The only methods that are served; a WebSocket handshake is a GET. Left out, all.',
    builtIn: null,
    reload: 'new',
  },
  'access.methods.deny': {
    kind: is.listOf(is.kind.method),
    about: 'Methods that are not served, also where `allow` names them.',
    builtIn: [],
    reload: 'new',
  },
  'rates.handshakes_per_address': {
    kind: is.requestRate,
    about: `WebSocket handshakes. A page that comes back after a restart opens all of its connections at once, and so do all pages of an office. Left out, nobody is refused; on a route with a preset those beyond ${pagesPerSecond} pages per second of one address, and a burst of ${peopleAtOnce} pages, are counted (\`sluice_handshakes_over_rate_total\`) and logged.`,
    builtIn: null,
    reload: 'new',
  },
  'rates.requests_per_address': {
    kind: is.requestRate,
    about:
      'Requests of plain HTTP. One page is 30 to 300 of them at once (docs/presets.md has the number of each app): give `burst` room for some pages.',
    builtIn: null,
    reload: 'new',
  },
  'rates.handshakes_per_user': {
    kind: is.requestRate,
    about:
      'WebSocket handshakes of one user, whom `auth` has let in or, where there is none, `identity` names. A request that names nobody is not counted.',
    builtIn: null,
    reload: 'new',
  },
  'rates.requests_per_user': {
    kind: is.requestRate,
    about: 'Requests of plain HTTP of one user, likewise.',
    builtIn: null,
    reload: 'new',
  },
  identity: {
    kind: is.identity,
    about:
      'Where a request names its user, for the log, the API, the status page and the violations there, and, where the route has no `auth`, for `max_per_user` and the rates of users; no metric has it. Nobody is let in by it. A header counts only from `listen.trusted_proxies`. In a path `*` stands for the name: `/user/*/` for JupyterHub. Left out, nobody is named.',
    builtIn: null,
    reload: 'new',
  },
  auth: {
    kind: authEntries,
    about:
      'Which credentials let a request in. The first kind that finds its own decides; where none does, 401. Left out, everybody is let in.',
    builtIn: null,
    reload: 'new',
  },
  'identity_headers.user': {
    kind: fieldHeader,
    about: 'The header with the name of the user.',
    builtIn: null,
    reload: 'new',
  },
  'identity_headers.groups': {
    kind: fieldHeader,
    about: 'The header with the groups, separated by commas.',
    builtIn: null,
    reload: 'new',
  },
  ...validationSettings('client'),
  ...validationSettings('upstream'),
} as const satisfies SettingRows;

/** What the sections are for. */
export const ownSections: Readonly<Record<string, string>> = {
  identity_headers:
    'In which headers the backend is told who the user is that `auth` has let in. What clients send under these names is dropped, in every spelling.',
  access:
    'Whom the route serves at all. A request that it does not serve is refused before its credentials are looked at.',
  'access.networks': 'By the address of the client; 403.',
  'access.hosts': 'By the host of the request; 403.',
  'access.methods': 'By the method; 405.',
  rates:
    'How often one client address (of IPv6: one network, see `listen.ipv6_prefix`) or one user may ask; what is beyond it gets 429 with the time to come back. Behind a proxy addresses need `listen.trusted_proxies`.',
  validate:
    'What the messages of each side must be. A text message is held until it is whole and has been judged, and is passed on byte for byte; see docs/validation.md.',
  'validate.client': 'What the client sends. Either `text.json_schema` or `max_depth` turns it on.',
  'validate.client.text': 'Text messages, which must be JSON.',
  'validate.upstream': 'What the upstream sends, likewise.',
  'validate.upstream.text': 'Text messages, which must be JSON.',
  match:
    'Which requests take this route. Exact hosts win over wildcard hosts, those over none; then the longest path wins, a literal segment before `*` before `**`. Left out, all.',
};

/** What a route of the file says of itself. */
export type OwnSettings = ValuesOf<typeof ownSettings>;
