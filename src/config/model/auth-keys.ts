/**
 * `auth` of a route: which credentials let a request in. One entry for each kind, in the order in which they are looked
 * for.
 */
import { z } from 'zod';
import { formatDuration } from '../language/format.ts';
import { port } from '../language/patterns.ts';
import { certificateFields, jwtAlgorithms } from '../types.ts';
import { builtInAuth } from './auth-settings.ts';
import {
  parseClaims,
  parseFieldName,
  parseMatch,
  parseServiceUrl,
  parseText,
  parseTokenPlace,
  token,
} from './auth-values.ts';
import { kind, leaf, setting, withHost } from './kinds.ts';
import type { SettingKind } from './setting-kinds.ts';

const text = (description: string, pattern: string) => ({ type: 'string', description, pattern });
const fieldName = leaf(
  'field_name',
  parseFieldName,
  text('the name of a header, such as `X-Forwarded-User`', `^${token}$`),
);
const url = leaf('service_url', parseServiceUrl, {
  description: '`http://host:port/path` or `https://…`',
  anyOf: withHost('[Hh][Tt][Tt][Pp][Ss]?://', `(:${port})?([/?][!-"$-~]*)?`),
});
const named = (key: string) => ({
  type: 'object',
  properties: { [key]: { type: 'string', pattern: `^${token}$` } },
  required: [key],
  additionalProperties: false,
});
const tokenPlace = leaf('token_place', parseTokenPlace, {
  description:
    '`authorization` (a bearer token), `subprotocol` (`base64url.bearer.authorization.…`, or `access_token` and the token), `{header: NAME}`, `{cookie: NAME}` or `{query: NAME}`',
  anyOf: [{ enum: ['authorization', 'subprotocol'] }, named('header'), named('cookie'), named('query')],
});
const scalar = { type: ['string', 'number', 'boolean'] };
const claims = leaf('claims', parseClaims, {
  description:
    '`{groups: [staff, admins], email_verified: true}`: each claim with the values of which it must have one, or `any`',
  type: 'object',
  additionalProperties: { anyOf: [scalar, { type: 'array', items: scalar, minItems: 1 }] },
});
const match = leaf('certificate_match', parseMatch, {
  description: '`{subject.O: [science]}`: each field with the values of which the certificate must have one',
  type: 'object',
  propertyNames: { enum: certificateFields },
  additionalProperties: { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  minProperties: 1,
});
const name = leaf('claim_name', parseText, { ...text('a text', '^.+$'), minLength: 1 });
const passes = setting(z.boolean(), 'Whether the backend gets the credentials too.', false);
const expires = (what: string) =>
  setting(
    z.enum(['close', 'ignore']),
    `\`close\` ends a connection with 1008 when ${what}; \`ignore\` lets it live.`,
    builtInAuth.onExpiry,
  );

const ca = kind.file;
const caText = 'The authorities that may vouch for its certificate, PEM. Left out, the public ones.';

const entry = z.strictObject({
  jwt: setting(
    z.strictObject({
      issuer: name.meta({ description: 'What `iss` must be, exactly.' }),
      audience: z.array(name).min(1).meta({ description: 'Of what `aud` must have one.' }),
      algorithms: setting(
        z.array(z.enum(jwtAlgorithms)).min(1),
        'The algorithms of signatures that are taken. One with a shared secret is not to be had.',
        ['RS256'],
      ),
      jwks: setting(
        url,
        "Where the issuer's public keys are, its `jwks_uri`. They are fetched again after `cache`, and when a token names a key that is not among them; while that fails, those before stay in use.",
      ),
      jwks_file: setting(kind.file, 'The same as a file, instead of `jwks`. It is read again when it changes.'),
      ca: setting(ca, caText),
      cache: setting(kind.finiteDuration, 'How long fetched keys are fresh.', formatDuration(builtInAuth.jwksMs)),
      leeway: setting(kind.duration, 'How far clocks may differ.', formatDuration(builtInAuth.leewayMs)),
      claims: setting(
        claims,
        'What else the token must say. `realm_access.roles` is `roles` within `realm_access`; `scope` and `scp` are lists.',
      ),
      user_claim: setting(name, 'The claim with the name of the user.', builtInAuth.userClaim),
      groups_claim: setting(
        name,
        'The claim with the groups of the user, a list or one of them.',
        builtInAuth.groupsClaim,
      ),
      from: setting(z.array(tokenPlace).min(1), 'Where the token may stand. Several different tokens are refused.', [
        'authorization',
      ]),
      forward: passes,
      on_expiry: expires('the token expires'),
    }),
    'A signed token of an identity provider (JWT), with `exp`.',
  ),
  forward: setting(
    z.strictObject({
      url: url.meta({
        description:
          'The service. It is asked with GET unless `preserve_method` is set, and told of the request in `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` and `-For`. 2xx lets in; any other answer goes to the client as it is; without one there is 503.',
      }),
      ca: setting(ca, caText),
      preserve_method: setting(
        z.boolean(),
        'Asks with the method of the request and no body, for a service that decides by method and does not look at `X-Forwarded-Method`.',
        false,
      ),
      request_headers: setting(
        z.array(fieldName).min(1),
        'The headers of the request that the service gets: the credentials. It gets `Accept`, `Accept-Language` and `X-Requested-With` besides.',
        builtInAuth.requestHeaders,
      ),
      response_headers: setting(
        z.array(fieldName).min(1),
        'The headers of its answer that the backend gets. What clients send under these names is dropped.',
      ),
      client_headers: setting(
        z.array(fieldName).min(1),
        "The headers of its answer that the client gets with the backend's: `[Set-Cookie]` where the service refreshes sessions. Cookies stand beside those of the backend, any other takes the place of the backend's.",
      ),
      user_header: setting(fieldName, 'The header of its answer that names the user.', builtInAuth.userHeader),
      groups_header: setting(
        fieldName,
        'The header of its answer that names the groups, separated by commas.',
        builtInAuth.groupsHeader,
      ),
      cache: setting(
        kind.duration,
        'How long an answer that lets in holds for the same credentials: a page is 80 requests. It holds for every path where the answer names a user, otherwise for the same path.',
        formatDuration(0),
      ),
      timeout: setting(kind.finiteDuration, 'For an answer; 503.', formatDuration(builtInAuth.timeoutMs)),
      recheck: setting(
        kind.duration,
        'How often the service is asked again about each open connection, spread; one that is not let in any more ends with 1008.',
        formatDuration(0),
      ),
    }),
    "A service that decides over every request, as nginx's `auth_request` and Traefik's ForwardAuth have it: oauth2-proxy, Authelia and others. What comes behind it in the list is never asked.",
  ),
  basic: setting(
    z.strictObject({
      file: kind.file.meta({
        description:
          'A file of `NAME:HASH`, a line for each user, with hashes of bcrypt (`htpasswd -nB NAME`) or Argon2. It is read again when it changes.',
      }),
      forward: passes,
    }),
    'Names and passwords.',
  ),
  bearer: setting(
    z.strictObject({
      file: kind.file.meta({
        description: 'A file of `NAME:sha256:DIGEST`, a line for each token. It is read again when it changes.',
      }),
      forward: passes,
    }),
    'Static tokens, in `Authorization: Bearer`.',
  ),
  client_cert: setting(
    z.strictObject({
      user_field: setting(
        z.enum(certificateFields),
        'The field of the certificate with the name of the user, which must stand there once.',
        builtInAuth.userField,
      ),
      match: setting(match, 'What else the certificate must say.'),
      on_expiry: expires('the certificate expires'),
    }),
    'The certificate that the client shows in TLS, by `listen.tls.client_certificates`. One of a trusted proxy says who the proxy is, and does not count.',
  ),
  jupyterhub: setting(
    z.strictObject({
      api_url: url.meta({
        description: "The hub's API, as `JUPYTERHUB_API_URL` has it: `http://hub:8081/hub/api`.",
      }),
      token_file: kind.file.meta({
        description: "A file with the service's own token at the hub. It is read again when it changes.",
      }),
      service: setting(
        kind.name,
        'The name of the service at the hub; left out, that in `match.path`, such as `/services/panel`. Browsers find it at `/services/NAME/` below the base URL of the hub, and its users need the scope `access:services!service=NAME`.',
      ),
      ca: setting(ca, caText),
      cache: setting(
        kind.duration,
        "How long the hub's word about a token holds.",
        formatDuration(builtInAuth.hubCacheMs),
      ),
      timeout: setting(kind.finiteDuration, 'For an answer of the hub; 503.', formatDuration(builtInAuth.timeoutMs)),
      recheck: setting(
        kind.duration,
        'How often the hub is asked again about each open connection, spread; one whose user may not stay ends with 1008.',
        formatDuration(0),
      ),
    }),
    "Users of a JupyterHub: the hub says who a token is, and browsers are sent there to sign in, as jupyterhub's own HubOAuth does.",
  ),
  header: setting(fieldName, 'A header in which one of `listen.trusted_proxies` names the user that it has signed in.'),
});

/** An entry of `auth`, before it is compiled. */
export type ParsedAuth = z.output<typeof entry>;

/** `auth` of a route: a list of kinds. */
export const authEntries: SettingKind<ParsedAuth[]> = {
  schema: z.array(entry.meta({ minProperties: 1, maxProperties: 1 })).min(1),
  unit: 'word',
  hasNull: false,
  format: (entries) => entries.flatMap((one) => Object.keys(one)).join(', '),
  written: (entries) => entries,
};

/** The name of a header. */
export const fieldHeader: SettingKind<string> = {
  schema: fieldName,
  unit: 'word',
  hasNull: false,
  format: String,
  written: String,
};
