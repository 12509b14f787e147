/** The table of limits in README.md: what is built in, what its peer sees, and where it is counted. */

import {
  type ConnectionReason,
  connectionOutcomes,
  handshakeOutcomes,
  httpOutcomes,
  type LimitName,
  reasonOfLimit,
} from '../../catalogue/outcomes.ts';
import { formatCount, formatDuration, formatRate, formatSize } from '../language/format.ts';
import { builtIn, type SettingKey } from './settings.ts';

const begin =
  '<!-- limits: generated from src/config/model/settings.ts and src/catalogue/outcomes.ts by `npm run docs` -->';
const end = '<!-- /limits -->';

/** The text of README.md with the table that is right. */
export function withLimitTable(text: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md must have ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${describeLimits()}\n\n${text.slice(to)}`;
}

/** A limit with a reason of its own has a metric of violations; the others have what is named. */
interface Row {
  readonly key: string;
  readonly builtIn: string;
  readonly peerSees: string;
  readonly counted: readonly string[];
}

function describeLimits(): string {
  const rows = [...ofSender(), ...ofConnections(), ...ofHttp()].map(({ key, builtIn, peerSees, counted }) =>
    line(`\`${key}\``, builtIn, peerSees, counted.map((metric) => `\`${metric}\``).join(', ')),
  );
  return [line('limit', 'built in', 'what the peer sees', 'where it is counted'), '|---|---|---|---|', ...rows].join(
    '\n',
  );
}

function ofSender(): Row[] {
  const { client, upstream } = { client: 'limits.client', upstream: 'limits.upstream' } as const;
  const code = (limit: keyof typeof reasonOfLimit) => String(connectionOutcomes[reasonOfLimit[limit]].client);
  const paused = (limit: keyof typeof reasonOfLimit) => `the sender is paused; ${code(limit)} with \`action: close\``;
  const frame = builtIn[`${client}.max_frame_size`];
  return [
    {
      key: 'max_message_size',
      builtIn: `client ${formatSize(builtIn[`${client}.max_message_size`])}, upstream ${formatSize(builtIn[`${upstream}.max_message_size`])}`,
      peerSees: code('max_message_size'),
      counted: [violations('max_message_size'), 'message_size_bytes'],
    },
    {
      key: 'max_frame_size',
      builtIn: frame === Number.POSITIVE_INFINITY ? 'none of its own' : formatSize(frame),
      peerSees: code('max_frame_size'),
      counted: [violations('max_frame_size')],
    },
    {
      key: 'max_fragments',
      builtIn: formatCount(builtIn[`${client}.max_fragments`]),
      peerSees: code('max_fragments'),
      counted: [violations('max_fragments')],
    },
    {
      key: 'message_timeout',
      builtIn: formatDuration(builtIn[`${client}.message_timeout`]),
      peerSees: code('message_timeout'),
      counted: [violations('message_timeout')],
    },
    ...(['max_message_rate', 'max_byte_rate'] as const).map((key) => ({
      key,
      builtIn: rateOf(`${client}.${key}`),
      peerSees: paused(key),
      counted: [violations(key), 'pauses_total{cause="rate"}'],
    })),
    {
      key: 'max_control_rate',
      builtIn: formatRate(builtIn[`${client}.max_control_rate`], 'messages', 'close'),
      peerSees: code('max_control_rate'),
      counted: [violations('max_control_rate')],
    },
    {
      key: 'max_buffer_size',
      builtIn: formatSize(builtIn[`${client}.max_buffer_size`]),
      peerSees: 'the sender is paused',
      counted: ['buffered_bytes', 'pauses_total{cause="buffer"}'],
    },
    {
      key: 'max_queue',
      builtIn: `${formatCount(builtIn[`${client}.max_queue`])} messages`,
      peerSees: 'the sender is paused',
      counted: ['queued_messages', 'pauses_total{cause="queue"}'],
    },
    {
      key: 'max_pause',
      builtIn: `${formatDuration(builtIn[`${client}.max_pause`])} without progress`,
      peerSees: code('max_pause'),
      counted: [violations('max_pause'), closed('slow_receiver')],
    },
  ];
}

function ofConnections(): Row[] {
  return [
    {
      key: 'memory.max_buffered',
      builtIn: "a quarter of the container's memory, for all connections together",
      peerSees: `senders are paused; ${connectionOutcomes.memory.client}, or HTTP ${handshakeOutcomes.memory.status} for new ones`,
      counted: [violations('memory.max_buffered'), 'memory_pressure_ratio'],
    },
    {
      key: 'connections.max',
      builtIn: formatCount(builtIn['limits.connections.max']),
      peerSees: `HTTP ${handshakeOutcomes.too_many_connections.status}`,
      counted: [violations('connections.max'), 'connections_active'],
    },
    {
      key: 'connections.max_per_address',
      builtIn: formatCount(builtIn['limits.connections.max_per_address']),
      peerSees: `HTTP ${handshakeOutcomes.too_many_per_address.status}`,
      counted: [violations('connections.max_per_address')],
    },
    ...(['idle_timeout', 'max_lifetime'] as const).map((key) => ({
      key,
      builtIn: formatDuration(builtIn[key]),
      peerSees: String(connectionOutcomes[key].client),
      counted: [closed(key)],
    })),
  ];
}

function ofHttp(): Row[] {
  return [
    {
      key: 'http.max_body_size',
      builtIn: formatSize(builtIn['http.max_body_size']),
      peerSees: `HTTP ${httpOutcomes.body_too_large.status}`,
      counted: [violations('http.max_body_size')],
    },
    {
      key: 'http.max_upstream_connections',
      builtIn: formatCount(builtIn['http.max_upstream_connections']),
      peerSees: `requests wait; HTTP ${httpOutcomes.upstream_busy.status}`,
      counted: [violations('http.max_upstream_connections')],
    },
  ];
}

function rateOf(key: Extract<SettingKey, `limits.client.max_${'message' | 'byte'}_rate`>): string {
  const rate = builtIn[key];
  return rate === null ? 'none' : formatRate(rate, key.endsWith('byte_rate') ? 'bytes' : 'messages');
}

function violations(limit: LimitName): string {
  return `limit_violations_total{limit="${limit}"}`;
}

function closed(reason: ConnectionReason): string {
  return `connections_closed_total{reason="${reason}"}`;
}

function line(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}
