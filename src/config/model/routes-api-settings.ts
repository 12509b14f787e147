/** The settings of `routes_api`, and what its templates have beside those of a route, one row each. */
import * as is from './setting-kinds.ts';
import type { SettingRows, ValuesOf } from './settings.ts';

/** By their paths below `routes_api`. */
export const routesApiSettings = {
  address: {
    kind: is.address,
    about: 'Where the program that sets routes connects; JupyterHub expects 127.0.0.1:8001.',
    isRequired: true,
    field: 'routesApi.address',
    reload: 'restart',
  },
  'tls.cert': {
    kind: is.file,
    about: 'The certificate and its chain, PEM.',
    isRequired: true,
    builtIn: null,
    field: 'routesApi.tls.cert',
    reload: 'restart',
  },
  'tls.key': {
    kind: is.file,
    about: 'Its private key, PEM.',
    isRequired: true,
    builtIn: null,
    field: 'routesApi.tls.key',
    reload: 'restart',
  },
  'tls.client_ca': {
    kind: is.file,
    about: 'The authorities whose certificate a client must show, PEM. Left out, none is asked for.',
    builtIn: null,
    field: 'routesApi.tls.clientCa',
    reload: 'restart',
  },
  token_file: {
    kind: is.file,
    about:
      'A file that holds the token which is asked for (`Authorization: token T`). Left out, the environment has it, in `CONFIGPROXY_AUTH_TOKEN`. Without either, the address must be on loopback or a unix socket.',
    builtIn: null,
    field: 'routesApi.tokenFile',
    reload: 'restart',
  },
  targets: {
    kind: is.listOf(is.kind.targets, 1),
    about:
      "Where targets may be. Left out, everywhere but where clouds have their metadata: at link-local addresses and at a few others. Sluice's own addresses never are.",
    builtIn: null,
    field: 'routesApi.targets',
    reload: 'restart',
  },
  state_file: {
    kind: is.file,
    about: 'Keeps the table over a restart: written at most once a second, and read at the start.',
    builtIn: null,
    field: 'routesApi.stateFile',
    reload: 'restart',
  },
  hub_api: {
    kind: is.url,
    about:
      "JupyterHub's API, such as `http://hub:8081/hub/api`, for one of several replicas: asked at the start to check the routes, with the API's own token. `/readyz` says 503 until it has. [jupyterhub.md](jupyterhub.md#replicas) has the hub's side.",
    builtIn: null,
    field: 'routesApi.hubApi',
    reload: 'restart',
  },
  hosts: {
    kind: is.flag,
    about: "Whether the first segment of a route's path is its host.",
    builtIn: false,
    field: 'routesApi.hosts',
    reload: 'restart',
  },
  error_target: {
    kind: is.urlOrSocket,
    about:
      'Who writes the pages for 404 (no route) and 503 (no server): `GET …/404?url=<request target>` is asked, for at most two seconds and 1 MiB. Left out, Sluice itself.',
    builtIn: null,
    field: 'routesApi.errors.target',
    reload: 'restart',
  },
  error_path: {
    kind: is.file,
    about: 'A folder with `404.html`, `503.html` or `error.html` in its place.',
    builtIn: null,
    field: 'routesApi.errors.folder',
    reload: 'restart',
  },
  'activity.upstream': {
    kind: is.flag,
    about: "Whether a server's messages count as its user's activity, so that a long job keeps its server.",
    builtIn: false,
    field: 'routesApi.upstreamActivity',
    reload: 'restart',
  },
} as const satisfies SettingRows;

/** What the sections are for. */
export const routesApiSections: Readonly<Record<string, string>> = {
  tls: 'Serves TLS there. The files are read at the start.',
  activity: 'What counts as use of a route beside answers below 300 and messages of the client.',
};

/** What the section says, but for its templates. */
export type RoutesApiSettings = ValuesOf<typeof routesApiSettings>;

/** What a template says of itself, beside what a route may say. */
export const templateSettings = {
  name: {
    kind: is.name,
    about: 'The template in metrics, logs and close reasons. Unique, also among routes.',
    isRequired: true,
    reload: 'new',
  },
  kind: {
    kind: is.oneOf('hub', 'server', 'service', 'other'),
    about:
      "Which routes take it, by what their data has: `hub` a key `hub`, `server` a key `user`, `service` a key `service`, `other` none of these. Each kind has a template without `path`; where the file has none, it is JupyterHub's.",
    isRequired: true,
    reload: 'new',
  },
  path: {
    kind: is.path,
    about:
      "Which of their requests, by what follows the route's own path: a prefix that ends at a segment. The most specific template wins.",
    builtIn: '/',
    reload: 'new',
  },
} as const satisfies SettingRows;

/** What a template says of itself. */
export type TemplateSettings = ValuesOf<typeof templateSettings>;
