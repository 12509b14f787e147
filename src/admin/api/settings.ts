/**
 * What holds on a route, setting by setting, under the paths that people write in the file. Sizes are bytes, times
 * milliseconds; JSON has no infinity, so what has no limit is the word `unlimited`.
 */
import { z } from 'zod';
import { formatListenAddress } from '../../config/language/addresses.ts';
import { formatCount, formatDuration, formatRate, formatShare, formatSize } from '../../config/language/format.ts';
import type { Source } from '../../config/model/resolve.ts';
import type { SenderKey, SettingKey } from '../../config/model/settings.ts';
import type { Config, Rate, Route, Sender, SenderLimits } from '../../config/types.ts';

const rate = z.object({
  per_second: z.number(),
  burst: z.number().describe('What may pass at once after a quiet time.'),
  action: z.enum(['pause', 'close']),
});

const source = z
  .object({
    from: z
      .enum(['route', 'defaults', 'file', 'preset', 'built in'])
      .describe('`route`: the route itself; `file`: the top of the file; `built in`: nothing was said.'),
    file: z.string().optional().describe('For what stands in a file.'),
    line: z.int().optional(),
    preset: z.string().optional().describe('For what a preset brings.'),
  })
  .meta({ id: 'Source', description: 'Where a value comes from.' });

const units = ['bytes', 'ms', 'count', 'messages_per_second', 'bytes_per_second', 'word'] as const;
type Unit = (typeof units)[number];

const valueSchema = z.union([z.number(), z.string(), z.boolean(), rate, z.array(z.string()), z.null()]);
type Value = z.infer<typeof valueSchema>;

/** A value, its unit, and where it comes from. */
export const settingSchema = z
  .object({
    value: valueSchema.describe(
      '`"unlimited"` where there is no limit; a time of 0 is off; `null` where nothing is set.',
    ),
    unit: z.enum(units),
    text: z.string().describe('As people write it in the file.'),
    source: source.nullable().describe('`null` where it is not known, because no file in force says it.'),
  })
  .meta({ id: 'Setting', description: 'A value in force, and where it comes from.' });

export type Setting = z.infer<typeof settingSchema>;

/** One setting: its unit, and how it is read; sizes and counts may be infinite, rates `null`. */
interface Row<T> {
  readonly unit: Unit;
  read(of: T): number | string | boolean | Rate | readonly string[] | null;
}

const senderRows: Readonly<Record<SenderKey, Row<SenderLimits>>> = {
  max_message_size: { unit: 'bytes', read: (limits) => limits.maxMessageBytes },
  max_frame_size: { unit: 'bytes', read: (limits) => limits.maxFrameBytes },
  max_fragments: { unit: 'count', read: (limits) => limits.maxFragments },
  message_timeout: { unit: 'ms', read: (limits) => limits.messageTimeoutMs },
  max_message_rate: { unit: 'messages_per_second', read: (limits) => limits.messageRate },
  max_byte_rate: { unit: 'bytes_per_second', read: (limits) => limits.byteRate },
  max_control_rate: { unit: 'messages_per_second', read: (limits) => limits.controlRate },
  max_buffer_size: { unit: 'bytes', read: (limits) => limits.maxBufferBytes },
  max_queue: { unit: 'count', read: (limits) => limits.maxQueue },
  max_pause: { unit: 'ms', read: (limits) => limits.maxPauseMs },
};

const routeRows: Readonly<Record<SettingKey, Row<Route>>> = {
  'limits.mode': { unit: 'word', read: ({ limits }) => limits.mode },
  ...rowsOf('client'),
  ...rowsOf('upstream'),
  'limits.connections.max': { unit: 'count', read: ({ connections }) => connections.max },
  'limits.connections.max_per_address': { unit: 'count', read: ({ connections }) => connections.maxPerAddress },
  'ping.client': { unit: 'ms', read: ({ ping }) => ping.clientMs },
  'ping.upstream': { unit: 'ms', read: ({ ping }) => ping.upstreamMs },
  'ping.timeout': { unit: 'ms', read: ({ ping }) => ping.timeoutMs },
  idle_timeout: { unit: 'ms', read: ({ idleTimeoutMs }) => idleTimeoutMs },
  max_lifetime: { unit: 'ms', read: ({ maxLifetimeMs }) => maxLifetimeMs },
  'drain.close': { unit: 'word', read: ({ drain }) => drain.close },
  'drain.protect': { unit: 'word', read: ({ drain }) => drain.protect },
  'drain.spread': { unit: 'ms', read: ({ drain }) => drain.spreadMs },
  'drain.deadline': { unit: 'ms', read: ({ drain }) => drain.deadlineMs },
  'http.max_body_size': { unit: 'bytes', read: ({ http }) => http.maxBodyBytes },
  'http.inactivity': { unit: 'ms', read: ({ http }) => http.inactivityMs },
  'http.max_upstream_connections': { unit: 'count', read: ({ http }) => http.maxUpstreamConnections },
  'upstream_tls.ca': { unit: 'word', read: ({ upstreamTls }) => upstreamTls.ca },
  'upstream_tls.server_name': { unit: 'word', read: ({ upstreamTls }) => upstreamTls.serverName },
  'upstream_tls.client_cert': { unit: 'word', read: ({ upstreamTls }) => upstreamTls.clientCert },
  'upstream_tls.client_key': { unit: 'word', read: ({ upstreamTls }) => upstreamTls.clientKey },
  'upstream_tls.insecure_skip_verify': { unit: 'word', read: ({ upstreamTls }) => upstreamTls.insecureSkipVerify },
};

const topRows: Readonly<Record<string, Row<Config>>> = {
  'listen.address': { unit: 'word', read: ({ listen }) => formatListenAddress(listen.address) },
  'listen.tls.cert': { unit: 'word', read: ({ listen }) => listen.tls?.cert ?? null },
  'listen.tls.key': { unit: 'word', read: ({ listen }) => listen.tls?.key ?? null },
  'listen.trusted_proxies': { unit: 'word', read: ({ listen }) => listen.trustedProxies },
  'admin.address': { unit: 'word', read: ({ admin }) => formatListenAddress(admin.address) },
  'admin.token_file': { unit: 'word', read: ({ admin }) => admin.tokenFile },
  'memory.max_buffered': { unit: 'bytes', read: ({ memory }) => memory.maxBufferedBytes },
  'log.level': { unit: 'word', read: ({ log }) => log.level },
  'log.open': { unit: 'word', read: ({ log }) => formatShare(log.open) },
  'log.end': { unit: 'word', read: ({ log }) => formatShare(log.end) },
  'log.max_rate': {
    unit: 'word',
    read: ({ log }) => formatRate(log.maxRate && { ...log.maxRate, action: 'pause' }, 'messages'),
  },
  'log.user': { unit: 'word', read: ({ log }) => log.user },
  'drain.announce': { unit: 'ms', read: ({ drain }) => drain.announceMs },
  'timeouts.connect': { unit: 'ms', read: ({ routes }) => routes[0]!.timeouts.connectMs },
  'timeouts.headers': { unit: 'ms', read: ({ routes }) => routes[0]!.timeouts.headersMs },
  'timeouts.handshake': { unit: 'ms', read: ({ routes }) => routes[0]!.timeouts.handshakeMs },
  'timeouts.close': { unit: 'ms', read: ({ routes }) => routes[0]!.timeouts.closeMs },
};

function rowsOf<S extends Sender>(sender: S): Record<`limits.${S}.${SenderKey}`, Row<Route>> {
  return Object.fromEntries(
    Object.entries(senderRows).map(([key, { unit, read }]) => [
      `limits.${sender}.${key}`,
      { unit, read: ({ limits }: Route) => read(limits[sender]) },
    ]),
  ) as Record<`limits.${S}.${SenderKey}`, Row<Route>>;
}

/** Every setting of a route, by its path. */
export const routeSettingsSchema = settingsOf(routeRows).meta({ id: 'RouteSettings' });

/** Every setting at the file's top, by its path. */
export const topSettingsSchema = settingsOf(topRows).meta({ id: 'TopSettings' });

function settingsOf(rows: Readonly<Record<string, unknown>>) {
  return z.object(Object.fromEntries(Object.keys(rows).map((path) => [path, settingSchema])));
}

/** What holds on a route; `sources` says where each value comes from, `null` where nobody knows. */
export function routeSettings(
  route: Route,
  sources: Readonly<Record<string, Source>> | null,
): z.infer<typeof routeSettingsSchema> {
  return readAll(routeRows, route, (path) => sources?.[path] ?? null);
}

/** What holds for the whole process; the source of a section stands for its keys. */
export function topSettings(
  config: Config,
  sources: ReadonlyMap<string, Source> | null,
): z.infer<typeof topSettingsSchema> {
  const sourceOf = (path: string) => sources?.get(path) ?? sources?.get(path.slice(0, path.lastIndexOf('.'))) ?? null;
  return readAll(topRows, config, sourceOf);
}

function readAll<T>(rows: Readonly<Record<string, Row<T>>>, of: T, sourceOf: (path: string) => Source | null) {
  const settings: Record<string, Setting> = {};
  for (const [path, { unit, read }] of Object.entries(rows)) {
    const value = read(of);
    settings[path] = { value: plain(value, unit), unit, text: inWords(value, unit), source: sourceOf(path) };
  }
  return settings;
}

function plain(value: ReturnType<Row<never>['read']>, unit: Unit): Value {
  if (value === Number.POSITIVE_INFINITY || (value === null && unit.endsWith('_per_second'))) return 'unlimited';
  if (Array.isArray(value)) return [...value];
  if (typeof value !== 'object' || value === null) return value;
  const { perSecond, burst, action } = value as Rate;
  return { per_second: perSecond, burst, action };
}

function inWords(value: ReturnType<Row<never>['read']>, unit: Unit): string {
  if (unit === 'messages_per_second') return formatRate(value as Rate | null, 'messages');
  if (unit === 'bytes_per_second') return formatRate(value as Rate | null, 'bytes');
  if (value === null) return 'not set';
  if (unit === 'bytes') return formatSize(value as number);
  if (unit === 'ms') return formatDuration(value as number);
  if (unit === 'count') return formatCount(value as number);
  return Array.isArray(value) ? value.join(', ') || 'none' : String(value);
}
