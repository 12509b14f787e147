/** The section `routes_api` of the file. */
import { z } from 'zod';
import { kind, setting } from './kinds.ts';
import type { PresetName } from './presets.ts';

type Keys = Record<string, z.ZodType>;

/** What a template has of a route's own keys: all but what says which requests are its, and where they go. */
function ofTemplate({ match: _, upstream: __, name: ___, ...own }: Keys): Keys {
  return own;
}

const tls = z.strictObject({
  cert: kind.file.meta({ description: 'The certificate and its chain, PEM.' }),
  key: kind.file.meta({ description: 'Its private key, PEM.' }),
  client_ca: setting(
    kind.file,
    'The authorities whose certificate a client must show, PEM. Left out, none is asked for.',
  ),
});

const activity = z.strictObject({
  upstream: setting(
    z.boolean(),
    "Whether a server's messages count as its user's activity, so that a long job keeps its server.",
    false,
  ),
});

/** The keys of a template beside those of a route. */
const templateKeys = {
  name: kind.name.meta({ description: 'The template in metrics, logs and close reasons. Unique, also among routes.' }),
  kind: z.enum(['hub', 'server', 'service', 'other']).meta({
    description:
      "Which routes take it, by what their data has: `hub` a key `hub`, `server` a key `user`, `service` a key `service`, `other` none of these. Each kind has a template without `path`; where the file has none, it is JupyterHub's.",
  }),
  path: setting(
    kind.path,
    "Which of their requests, by what follows the route's own path: a prefix that ends at a segment. The most specific template wins.",
    '/',
  ),
};

const apiKeys = {
  address: kind.address.meta({
    description: 'Where the program that sets routes connects; JupyterHub expects 127.0.0.1:8001.',
  }),
  tls: setting(tls, 'Serves TLS there. The files are read at the start.'),
  token_file: setting(
    kind.file,
    'A file that holds the token which is asked for (`Authorization: token T`). Left out, the environment has it, in `CONFIGPROXY_AUTH_TOKEN`. Without either, the address must be on loopback or a unix socket.',
  ),
  targets: setting(
    z.array(kind.targets).min(1),
    "Where targets may be. Left out, everywhere but at link-local addresses, where clouds have their metadata. Sluice's own addresses never are.",
  ),
  state_file: setting(
    kind.file,
    'Keeps the table over a restart: written at most once a second, and read at the start.',
  ),
  hosts: setting(z.boolean(), "Whether the first segment of a route's path is its host.", false),
  error_target: setting(
    kind.url,
    'Who writes the pages for 404 (no route) and 503 (no server): `GET …/404?url=<request target>` is asked, for at most two seconds and 1 MiB. Left out, Sluice itself.',
  ),
  error_path: setting(kind.file, 'A folder with `404.html`, `503.html` or `error.html` in its place.'),
  activity: setting(activity, 'What counts as use of a route beside answers below 300 and messages of the client.'),
};

/** The section, with templates that have a route's `own` and `shared` keys. */
export function routesApiSchema(own: Keys, shared: Keys) {
  const template = z.strictObject({ ...templateKeys, ...ofTemplate(own), ...shared });
  return z.strictObject({
    ...apiKeys,
    templates: setting(
      z.array(template).min(1),
      "Limits, caps and metric labels of the routes, which have none of their own: those of JupyterHub itself, of its users' servers, of the rooms in them.",
    ),
  });
}

/** A template for the routes of an API, with all that a route may say. */
export interface ParsedTemplate extends z.output<z.ZodObject<typeof templateKeys>> {
  readonly preset?: PresetName | undefined;
}

/** The section, parsed. */
export interface ParsedRoutesApi extends z.output<z.ZodObject<typeof apiKeys>> {
  readonly templates?: readonly ParsedTemplate[] | undefined;
}
