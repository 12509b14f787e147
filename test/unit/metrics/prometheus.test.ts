import { expect, test, vi } from 'vitest';
import type { Config } from '../../../src/config/types.ts';
import { tally } from '../../../src/metrics/counters.ts';
import { createRegistry, families } from '../../../src/metrics/prometheus.ts';
import type { LiveSession, MetricsSource } from '../../../src/metrics/source.ts';
import { CounterStore } from '../../../src/metrics/store.ts';
import { connectionOutcomes, handshakeOutcomes } from '../../../src/outcomes.ts';
import { routeTo } from '../../integration/http-front.ts';

const panel = { ...routeTo(1), name: 'panel' };
const unpaused = { causes: new Map() };
const idle = { bufferedBytes: 0, queuedMessages: 0, paused: false, pauses: unpaused };

interface Fixture {
  readonly counters: CounterStore;
  readonly sessions: LiveSession[];
  config: Config;
  drainDeadlineAtMs: number | null;
  scrape(): Promise<string[]>;
}

function fixture(): Fixture {
  const counters = new CounterStore();
  counters.of('panel');
  const sessions: LiveSession[] = [];
  const state = {
    counters,
    sessions,
    drainDeadlineAtMs: null as number | null,
    config: {
      files: ['sluice.yaml'],
      hash: 'fffffffffffff000',
      listen: { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, tls: null, trustedProxies: [] },
      admin: { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, tokenFile: null },
      memory: { maxBufferedBytes: null },
      drain: { announceMs: 0 },
      routes: [panel],
    } satisfies Config as Config,
    scrape: async () => (await registry.metrics()).split('\n'),
  };
  const source: MetricsSource = {
    config: () => state.config,
    counters,
    live: { sessions: () => sessions, memory: { pressure: 0.25, limitBytes: 4096 } },
    drainDeadlineAtMs: () => state.drainDeadlineAtMs,
    lastReload: () => ({ successful: true, succeededAtMs: 1_700_000_000_500 }),
    reloads: () => ({ success: 3, failure: 0 }),
    logLinesDropped: () => 7,
    build: { version: '1.2.3', revision: 'abc' },
  };
  const registry = createRegistry(source);
  return state;
}

test('shows counters as they stand at each scrape', async () => {
  const { counters, scrape } = fixture();
  const of = counters.of('panel').client;
  of.textMessages = 2;
  of.messageBytes = 2 ** 40 + 1;
  expect(await scrape()).toContain('sluice_messages_total{route="panel",sender="client",type="text"} 2');
  of.textMessages = 5;
  const lines = await scrape();
  expect(lines).toContain('sluice_messages_total{route="panel",sender="client",type="text"} 5');
  expect(lines).toContain('sluice_message_bytes_total{route="panel",sender="client"} 1099511627777');
});

test('starts known label sets at 0', async () => {
  const lines = await fixture().scrape();
  for (const result of Object.keys(handshakeOutcomes)) {
    expect(lines).toContain(`sluice_handshakes_total{route="panel",result="${result}"} 0`);
  }
  expect(lines.filter((line) => line.startsWith('sluice_connections_closed_total{'))).toHaveLength(
    Object.keys(connectionOutcomes).length,
  );
  for (const line of [
    'sluice_connections_closed_total{route="panel",closed_by="sluice",reason="message_too_big"} 0',
    'sluice_connections_closed_total{route="panel",closed_by="client",reason="client_closed"} 0',
    'sluice_limit_violations_total{route="panel",sender="client",limit="max_message_size",action="close"} 0',
    'sluice_limit_violations_total{route="panel",sender="upstream",limit="max_byte_rate",action="pause"} 0',
    'sluice_limit_violations_total{route="panel",sender="client",limit="connections.max",action="reject"} 0',
    'sluice_pauses_total{route="panel",sender="upstream",cause="queue"} 0',
    'sluice_upstream_errors_total{route="panel",error="dns"} 0',
    'sluice_http_requests_total{route="panel",method="POST",code="5xx"} 0',
    'sluice_close_codes_total{route="panel",sender="client",code="1000"} 0',
    'sluice_connections_active{route="panel"} 0',
    'sluice_handshakes_total{route="(none)",result="no_route"} 0',
    'sluice_message_size_bytes_count{route="panel",sender="upstream"} 0',
  ]) {
    expect(lines).toContain(line);
  }
  expect(lines.filter((line) => line.includes('sender="upstream",limit="connections'))).toEqual([]);
});

test('a counted violation is one', async () => {
  const { counters, scrape } = fixture();
  tally(counters.of('panel').client.violations, 'max_message_size', 'close');
  const lines = await scrape();
  expect(lines.filter((line) => line.startsWith('sluice_limit_violations_total') && !line.endsWith(' 0'))).toEqual([
    'sluice_limit_violations_total{route="panel",sender="client",limit="max_message_size",action="close"} 1',
  ]);
});

test('renders histograms from plain counts, cumulative and complete', async () => {
  const { counters, scrape } = fixture();
  const sizes = counters.of('panel').client.messageSizes;
  for (const size of [1, 64, 65, 2 ** 30]) sizes.observe(size);
  const lines = (await scrape()).filter((line) => line.includes('message_size_bytes') && line.includes('"client"'));
  expect(lines[0]).toBe('sluice_message_size_bytes_bucket{le="64",route="panel",sender="client"} 2');
  expect(lines[1]).toBe('sluice_message_size_bytes_bucket{le="256",route="panel",sender="client"} 3');
  expect(lines.slice(-3)).toEqual([
    'sluice_message_size_bytes_bucket{le="+Inf",route="panel",sender="client"} 4',
    `sluice_message_size_bytes_sum{route="panel",sender="client"} ${1 + 64 + 65 + 2 ** 30}`,
    'sluice_message_size_bytes_count{route="panel",sender="client"} 4',
  ]);
});

test('adds up live connections, those of removed routes too', async () => {
  const { sessions, scrape } = fixture();
  sessions.push(
    { routeName: 'panel', client: { ...idle, bufferedBytes: 10, queuedMessages: 1, paused: true }, upstream: idle },
    { routeName: 'panel', client: { ...idle, bufferedBytes: 5, queuedMessages: 2 }, upstream: idle },
    { routeName: 'gone', client: idle, upstream: { ...idle, bufferedBytes: 7, queuedMessages: 1, paused: true } },
  );
  const lines = await scrape();
  for (const line of [
    'sluice_connections_active{route="panel"} 2',
    'sluice_connections_active{route="gone"} 1',
    'sluice_buffered_bytes{route="panel",sender="client"} 15',
    'sluice_queued_messages{route="panel",sender="client"} 3',
    'sluice_paused_connections{route="panel",sender="client"} 1',
    'sluice_buffered_bytes{route="gone",sender="upstream"} 7',
    'sluice_paused_connections{route="gone",sender="upstream"} 1',
  ]) {
    expect(lines).toContain(line);
  }
  sessions.length = 1;
  expect(await scrape()).toContain('sluice_buffered_bytes{route="panel",sender="client"} 10');
});

test('counts pauses that go on as far as they have come', async () => {
  vi.useFakeTimers({ toFake: ['performance'], now: 0 });
  const { counters, sessions, scrape } = fixture();
  counters.of('panel').client.pausedMs.buffer = 2000;
  const since = performance.now();
  const causes = new Map([
    ['buffer', since],
    ['drain', since],
  ] as const);
  const waiting = { ...idle, paused: true, pauses: { causes } };
  sessions.push(...[1, 2].map(() => ({ routeName: 'panel', client: waiting, upstream: idle })));
  vi.advanceTimersByTime(1500);
  const paused = (await scrape()).filter(
    (line) => line.startsWith('sluice_paused_seconds_total') && !line.endsWith(' 0'),
  );
  expect(paused).toEqual(['sluice_paused_seconds_total{route="panel",sender="client",cause="buffer"} 5']);
  vi.useRealTimers();
});

test('shows limits beside the values, unlimited as +Inf', async () => {
  const state = fixture();
  const limits = { ...panel.limits, upstream: { ...panel.limits.upstream, maxMessageBytes: Number.POSITIVE_INFINITY } };
  state.config = { ...state.config, routes: [{ ...panel, limits }] };
  const lines = await state.scrape();
  expect(lines).toContain('sluice_message_size_limit_bytes{route="panel",sender="client"} 1048576');
  expect(lines).toContain('sluice_message_size_limit_bytes{route="panel",sender="upstream"} +Inf');
  expect(lines).toContain('sluice_connections_limit{route="panel"} 10');
  expect(lines).toContain('sluice_buffer_limit_bytes{scope="connection",route="panel",sender="client"} 262144');
});

test('a route that is gone from the configuration keeps its counters', async () => {
  const state = fixture();
  for (let i = 0; i < 3; i++) tally(state.counters.of('panel').handshakes, 'opened');
  state.config = { ...state.config, routes: [] };
  const lines = await state.scrape();
  expect(lines).toContain('sluice_handshakes_total{route="panel",result="opened"} 3');
  expect(lines.filter((line) => line.startsWith('sluice_connections_limit{'))).toEqual([]);
});

test('tells build, configuration and drain', async () => {
  const state = fixture();
  expect(await state.scrape()).toEqual(
    expect.arrayContaining(['sluice_draining 0', 'sluice_drain_deadline_timestamp_seconds 0']),
  );
  state.drainDeadlineAtMs = 1_700_000_060_250;
  const lines = await state.scrape();
  for (const line of [
    `sluice_build_info{version="1.2.3",revision="abc",node="${process.versions.node}"} 1`,
    'sluice_config_last_reload_successful 1',
    'sluice_config_last_reload_success_timestamp_seconds 1700000000.5',
    `sluice_config_hash ${2 ** 52 - 1}`,
    'sluice_draining 1',
    'sluice_drain_deadline_timestamp_seconds 1700000060.25',
  ]) {
    expect(lines).toContain(line);
  }
  expect(lines.some((line) => line.startsWith('process_cpu_seconds_total '))).toBe(true);
  expect(lines.some((line) => line.startsWith('nodejs_eventloop_lag_seconds '))).toBe(true);
});

test('follows the conventions that promtool checks', async () => {
  const { counters, sessions, scrape } = fixture();
  tally(counters.of('panel').client.closeCodes, '1000');
  tally(counters.of('panel').httpRequests, 'GET', '2xx');
  sessions.push({ routeName: 'panel', client: idle, upstream: idle });
  const lines = await scrape();
  const types = new Map(
    lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ').slice(2) as [string, string]),
  );
  for (const [name, type] of types) {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(name, 'a suffix of another type').not.toMatch(/_(count|sum|bucket)$/);
    expect(name, 'base units').not.toMatch(/milliseconds|_ms|kilobytes|_kb|_mb/);
    expect(lines.some((line) => line.startsWith(`# HELP ${name} `) && line.length > name.length + 12)).toBe(true);
  }
  const series = lines.filter((line) => line !== '' && !line.startsWith('#'));
  // Node's lag histogram says NaN before its first sample; prom-client spells it Nan, and Prometheus reads both.
  for (const line of series) expect(line).toMatch(/^[a-z_0-9]+(\{([a-z_]+="[^"]*",?)+\})? (-?[\d.e+-]+|\+Inf|Nan)$/);
  const names = series.map((line) => line.split(' ')[0]);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type } of families) expect(types.get(`sluice_${name}`)).toBe(type);
});
