/** The shape of every answer. Types, the OpenAPI document and the tests of real answers come from here. */
import { z } from 'zod';
import {
  adminOutcomes,
  type ConnectionReason,
  connectionOutcomes,
  type EndedBy,
  type LimitAction,
} from '../../catalogue/outcomes.ts';
import { routeSettingsSchema, topSettingsSchema } from './settings.ts';

const count = z.int().min(0);
const bytes = z.number().min(0);
const time = z.iso.datetime().describe('UTC');
const reason = z.enum(Object.keys(connectionOutcomes) as [ConnectionReason, ...ConnectionReason[]]);
const endedBy = z.enum(['client', 'upstream', 'sluice'] satisfies EndedBy[]);

/** What one sender has in the buffers of a route, or of all routes. */
const liveSender = z
  .object({
    buffered_bytes: bytes.describe('Read from this sender and not accepted by the other side yet.'),
    queued_messages: count.describe('Messages, whole or partial, among those bytes.'),
    paused_connections: count.describe('Connections on which this sender is not read at present.'),
  })
  .meta({ id: 'LiveSender' });

const live = z.object({ connections: count, client: liveSender, upstream: liveSender }).meta({ id: 'Live' });

/** What one sender did on a route since the process began. */
const countedSender = z
  .object({
    messages: count,
    bytes: bytes.describe('Payload bytes of data messages.'),
    violations: count,
    pauses: count,
  })
  .meta({ id: 'CountedSender' });

const route = z
  .object({
    name: z.string(),
    metrics_route: z
      .string()
      .describe(
        'Its `route` label: its own name, or that of the route whose preset brought it. `counted` is of all with that label.',
      ),
    in_force: z.boolean().describe('False for a route that a reload has removed and that still has connections.'),
    match: z.object({ hosts: z.array(z.string()).describe('Empty for every host.'), path: z.string() }),
    upstream: z.string(),
    preset: z.string().nullable(),
    max_connections: z.union([z.number(), z.literal('unlimited')]),
    live,
    counted: z
      .object({ opened: count, closed: count, client: countedSender, upstream: countedSender })
      .describe('Since the process began.'),
    settings: routeSettingsSchema,
  })
  .meta({ id: 'Route' });

export const routesSchema = z
  .object({
    routes: z.array(route),
    totals: live,
    memory: z
      .object({ held_bytes: bytes, max_bytes: z.union([z.number(), z.literal('unlimited')]) })
      .describe('What the buffers of all connections hold together, as allocated, and `memory.max_buffered`.'),
  })
  .meta({ id: 'Routes' });

export const foundRouteSchema = z
  .object({
    name: z.string().describe("The route's, or that of the template under which requests for the path are."),
    metrics_route: z.string().describe('Its `route` label.'),
    set_by: z.enum(['file', 'api']).describe('The configuration, or a program through `routes_api`.'),
    match: z.object({
      hosts: z.array(z.string()).describe('Empty for every host.'),
      path: z.string().describe('Its own path: the longest that the asked one begins with.'),
    }),
    upstream: z.string().describe('Where its requests go.'),
    last_activity: z
      .string()
      .nullable()
      .describe('When somebody last used it (ISO 8601); `null` for a route of the file.'),
  })
  .meta({ id: 'FoundRoute' });

/** What a listing says of one sender. */
const rowSender = z
  .object({
    messages: count,
    bytes: bytes.describe('Payload bytes of data messages.'),
    buffered_bytes: bytes,
    queued_messages: count,
    paused: z.boolean(),
  })
  .meta({ id: 'RowSender' });

const state = z
  .enum(['open', 'ending'])
  .describe('`ending`: how it ends is decided, and both sides say goodbye or are drained.');

const rowFields = {
  id: z.string(),
  route: z.string(),
  state,
  host: z.string().describe('The Host header.'),
  path: z.string().describe('Without its query, which may hold tokens.'),
  address: z.string().describe("The client's, after `trusted_proxies`."),
  user: z.string().nullable().describe('`null` where nobody is known to have signed in.'),
  upstream: z.string(),
  subprotocol: z.string().nullable().describe('Tokens are left out.'),
  opened_at: time,
  age_s: z.number(),
  buffered_bytes: bytes.describe('Of both senders.'),
  paused_ms: z.number().describe('Of both senders together, the present pauses included.'),
};

const row = z.object({ ...rowFields, client_sent: rowSender, upstream_sent: rowSender }).meta({ id: 'ConnectionRow' });

export const connectionsSchema = z
  .object({
    total: count.describe('Open connections.'),
    matching: count.describe('Those that the filters let through.'),
    offset: count,
    next_offset: count.nullable().describe('`null` at the end.'),
    connections: z.array(row),
  })
  .meta({ id: 'Connections' });

const pause = z
  .object({
    now: z.array(
      z.object({
        cause: z.enum(['buffer', 'queue', 'rate', 'memory', 'drain', 'answers']),
        for_ms: z.number(),
      }),
    ),
    count,
    total_ms: z.number().describe('The present one included.'),
  })
  .meta({ id: 'Pauses', description: 'Why a sender is not being read, and how often it was not.' });

const sender = z
  .object({
    ...rowSender.shape,
    wire_bytes: bytes.describe('Every byte read after the handshake.'),
    max_message_bytes: bytes,
    fragments: count,
    max_buffered_bytes: bytes.describe('The most that was ever buffered.'),
    pauses: pause,
  })
  .meta({ id: 'Sender' });

const leg = z
  .object({
    state: z
      .enum(['open', 'closing', 'cut', 'gone'])
      .describe('`closing`: its goodbye has begun; `cut`: without a close frame; `gone`: the socket is closed.'),
    blocked: z.boolean().describe('Whether its kernel takes no more at present.'),
    close_sent: z.int().nullable().describe('The code of our close frame.'),
    close_received: z.int().nullable().describe("The code of the peer's; 1005 for none."),
  })
  .meta({ id: 'Leg' });

const validation = z
  .object({
    json_schema: z.string().nullable().describe('The path of its file; `null` where every JSON will do.'),
    max_size: z.int().describe('Of a text message, in bytes.'),
    max_depth: z.int(),
    binary: z.enum(['pass', 'reject']),
    action: z.enum(['close', 'report', 'reply']),
  })
  .nullable();

const violation = z
  .object({
    sender: z.enum(['client', 'upstream']),
    limit: z.string(),
    configured: z.union([z.number(), z.literal('unlimited')]),
    observed: z.union([z.number(), z.string()]).describe('Digits where it is beyond 2^53 − 1.'),
    at_least: z.boolean().describe('More would have come.'),
    action: z.enum(['close', 'pause', 'reject', 'reply', 'report'] satisfies LimitAction[]),
    detail: z.string().optional().describe('What is wrong, where no number says it.'),
  })
  .meta({ id: 'Violation' });

export const connectionSchema = z
  .object({
    ...rowFields,
    signed_in: z
      .object({
        kind: z.string().describe('The kind of `auth` that knew the user.'),
        groups: z.array(z.string()),
        expires_at: time.nullable().describe('When it ends; `null` where nobody says.'),
      })
      .nullable()
      .describe('What `auth` found out beside the name; `null` where it found out nobody.'),
    handshake_ms: z.number(),
    last_data_age_s: z.number().describe('Since the last payload byte of a data message, either direction.'),
    client_sent: sender,
    upstream_sent: sender,
    legs: z.object({ client: leg, upstream: leg }),
    ending: z
      .object({ reason, closed_by: endedBy, words: z.string(), violation: violation.nullable() })
      .nullable()
      .describe('How it ends, once that is decided.'),
    route_in_force: z.boolean().describe('False where a reload has removed its route: its last limits hold.'),
    settings: routeSettingsSchema.describe('What holds for it; limits bind from the next message of each sender.'),
  })
  .meta({ id: 'Connection' });

export const closingSchema = z
  .object({
    id: z.string(),
    result: z
      .enum(['closing', 'cut', 'was_ending'])
      .describe(
        '`cut`: an operator had closed it before, and it is reset now; `was_ending`: it ends for another reason, and is left to that.',
      ),
    reason,
    words: z.string(),
  })
  .meta({ id: 'Closing' });

export const configInForceSchema = z
  .object({
    files: z.array(z.string()),
    hash: z.string().describe("SHA-256 of the files' text."),
    loaded_at: time,
    needs_restart: z
      .array(z.string())
      .describe('Keys that stand otherwise in the files, and hold as they are shown here until a restart.'),
    last_error: z
      .object({
        at: time,
        errors: z.array(
          z.object({
            file: z.string(),
            line: count.describe('From 1; 0 for the file as a whole.'),
            column: count,
            path: z.string(),
            message: z.string(),
          }),
        ),
      })
      .nullable()
      .describe('Why the files as they stand now are not in force; `null` when they are.'),
    settings: topSettingsSchema,
    routes: z.array(
      z
        .object({
          name: z.string(),
          match: z.object({ hosts: z.array(z.string()), path: z.string() }),
          upstream: z.string(),
          preset: z.string().nullable(),
          origins: z.array(z.string()).nullable().describe('`null` admits every origin.'),
          require_origin: z.boolean(),
          identity: z
            .object({ header: z.string().optional(), path: z.string().optional() })
            .nullable()
            .describe('Where a request names its user; `null` asks nobody.'),
          auth: z
            .array(z.string())
            .nullable()
            .describe('The kinds of credentials that let a request in, in order; `null` lets everybody in.'),
          validate: z
            .object({ client: validation, upstream: validation })
            .describe('What the messages of each side must be; `null` looks at none.'),
          settings: routeSettingsSchema,
        })
        .meta({ id: 'ConfiguredRoute' }),
    ),
  })
  .meta({ id: 'Config' });

export const endedSchema = z
  .object({ user: z.string(), ended: count.describe('Connections that are ending by it.') })
  .meta({ id: 'UserConnectionsEnded' });

export const drainSchema = z
  .object({
    draining: z.boolean(),
    progress: z
      .object({
        phase: z
          .enum(['announce', 'close', 'cut', 'finish'])
          .describe(
            '`announce`: not ready any more, everything is still accepted; `close`: handshakes are refused, connections are ' +
              'closed or waited for; `cut`: the last second; `finish`: only HTTP requests are left.',
          ),
        cause: z.string().describe('A signal, or `api`.'),
        started_at: time,
        closes_at: time.describe('When handshakes are refused from.'),
        deadline_at: time.describe('When whatever is left is cut.'),
        connections: count.describe('Still open.'),
        requests: count.describe('Handshakes and HTTP requests under way.'),
        counted: z.object({
          connections: count.describe('Open when it began, or opened since.'),
          ended_themselves: count,
          sent_away: count.describe('Heard 1012.'),
          cut: count,
        }),
      })
      .nullable()
      .describe('`null` before a drain.'),
  })
  .meta({ id: 'Drain' });

export const buildSchema = z
  .object({
    version: z.string(),
    revision: z.string().describe('Of the image (`SLUICE_REVISION`); empty where it is not known.'),
    node: z.string(),
    pid: z.int(),
    started_at: time,
    uptime_s: z.number(),
  })
  .meta({ id: 'Build' });

const problemCodes = [
  ...(Object.keys(adminOutcomes) as (keyof typeof adminOutcomes)[]),
  ...([
    'not_found',
    'method_not_allowed',
    'body',
    'bad_query',
    'no_route',
    'ambiguous_path',
    'no_connection',
    'bug',
  ] as const),
] as const;

export const problemSchema = z
  .object({
    error: z.object({
      code: z.enum(problemCodes),
      what: z.string().describe('What is wrong.'),
      remedy: z.string().describe('What to do about it.'),
    }),
  })
  .meta({ id: 'Problem' });
