import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { builtInTop } from '../../../../src/config/model/top-settings.ts';
import type { Config } from '../../../../src/config/types.ts';
import { tally } from '../../../../src/observe/metrics/counters.ts';
import { seriesPerRoute } from '../../../../src/observe/metrics/document.ts';
import type { Format } from '../../../../src/observe/metrics/exposition.ts';
import { hubFamilies } from '../../../../src/observe/metrics/hub-families.ts';
import { sliceMs } from '../../../../src/observe/metrics/pace.ts';
import { createRenderer, families } from '../../../../src/observe/metrics/prometheus.ts';
import type { LiveSession, MetricsSource } from '../../../../src/observe/metrics/source.ts';
import { CounterStore } from '../../../../src/observe/metrics/store.ts';
import { routeTo } from '../../../integration/http-front.ts';

const panel = { ...routeTo(1), name: 'panel', label: 'panel' };
const unpaused = { causes: new Map() };
/** A route that a reload has removed. */
const gone = { ...panel, name: 'gone', label: 'gone' };
const idle = { bufferedBytes: 0, queuedMessages: 0, paused: false, pauses: unpaused };

interface Fixture {
  readonly source: MetricsSource;
  readonly counters: CounterStore;
  readonly sessions: LiveSession[];
  config: Config;
  drainDeadlineAtMs: number | null;
  scrape(format?: Format): Promise<string[]>;
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
      listen: {
        address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
        tls: null,
        trustedProxies: [],
        proxyProtocol: [],
        ipv6Prefix: 64,
      },
      admin: { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, tokenFile: null },
      memory: { maxBufferedBytes: null },
      drain: { announceMs: 0 },
      log: builtInTop.log,
      revokedUsers: null,
      quotas: null,
      routesApi: null,
      routes: [panel],
    } satisfies Config as Config,
    scrape: async (format: Format = 'text') => String(Buffer.concat(await render(format))).split('\n'),
  };
  const source: MetricsSource = {
    config: () => state.config,
    counters,
    live: { sessions: () => sessions, memory: { pressure: 0.25, limitBytes: 4096 } },
    drainDeadlineAtMs: () => state.drainDeadlineAtMs,
    lastReload: () => ({ successful: true, succeededAtMs: 1_700_000_000_500 }),
    reloads: () => ({ success: 3, failure: 0 }),
    rejectedFiles: () => 2,
    logLinesDropped: () => ({ unread: 7, rate: 0 }),
    build: { version: '1.2.3', revision: 'abc' },
  };
  const render = createRenderer(source);
  return Object.assign(state, { source });
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

/** The series of Sluice's own, without their values. */
function seriesOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith('sluice_')).map((line) => line.slice(0, line.lastIndexOf(' ')));
}

test('a route that nobody has used has its limits, and the counts that alerts watch', async () => {
  const lines = await fixture().scrape();
  expect(seriesOf(lines).filter((line) => line.includes('route='))).toEqual([
    'sluice_connections_active{route="panel"}',
    'sluice_connections_limit{route="panel"}',
    'sluice_message_size_limit_bytes{route="panel",sender="client"}',
    'sluice_message_size_limit_bytes{route="panel",sender="upstream"}',
    'sluice_buffer_limit_bytes{scope="connection",route="panel",sender="client"}',
    'sluice_buffer_limit_bytes{scope="connection",route="panel",sender="upstream"}',
    'sluice_handshakes_total{route="panel",result="opened"}',
    'sluice_handshakes_total{route="panel",result="memory"}',
    'sluice_handshakes_total{route="panel",result="too_many_connections"}',
    'sluice_connections_closed_total{route="panel",closed_by="upstream",reason="upstream_vanished"}',
    'sluice_connections_closed_total{route="panel",closed_by="upstream",reason="upstream_heartbeat"}',
    'sluice_connections_closed_total{route="panel",closed_by="upstream",reason="upstream_protocol_error"}',
    'sluice_connections_closed_total{route="panel",closed_by="sluice",reason="slow_receiver"}',
    'sluice_connections_closed_total{route="panel",closed_by="sluice",reason="memory"}',
    'sluice_limit_violations_total{route="panel",sender="client",limit="max_message_size",action="close"}',
    'sluice_limit_violations_total{route="panel",sender="client",limit="max_fragments",action="close"}',
    'sluice_limit_violations_total{route="panel",sender="client",limit="max_control_rate",action="close"}',
    'sluice_limit_violations_total{route="panel",sender="upstream",limit="max_message_size",action="close"}',
    'sluice_limit_violations_total{route="panel",sender="upstream",limit="max_fragments",action="close"}',
    'sluice_limit_violations_total{route="panel",sender="upstream",limit="max_control_rate",action="close"}',
    'sluice_upstream_errors_total{route="panel",error="connect_refused"}',
    'sluice_upstream_errors_total{route="panel",error="connect_timeout"}',
    'sluice_upstream_errors_total{route="panel",error="reset"}',
  ]);
});

test('a scrape makes no counters for routes that nobody has used', async () => {
  const state = fixture();
  state.config = { ...state.config, routes: [{ ...panel, name: 'other', label: 'other' }] };
  expect(await state.scrape()).toContain('sluice_handshakes_total{route="other",result="opened"} 0');
  expect([...state.counters.entries()].map(([label]) => label)).toEqual(['panel']);
});

test('what a route cannot do has no count', async () => {
  const state = fixture();
  const origins = ['https://apps.example.org'];
  state.config = { ...state.config, routes: [{ ...panel, origins, limits: { ...panel.limits, mode: 'report' } }] };
  const lines = await state.scrape();
  expect(lines).toContain('sluice_handshakes_total{route="panel",result="origin_refused"} 0');
  expect(lines.filter((line) => line.startsWith('sluice_limit_violations_total{'))).toEqual([]);
});

test('a route with connections shows that nothing waits', async () => {
  const state = fixture();
  tally(state.counters.of('panel').handshakes, 'opened');
  const lines = await state.scrape();
  for (const sender of ['client', 'upstream']) {
    expect(lines).toContain(`sluice_buffered_bytes{route="panel",sender="${sender}"} 0`);
    expect(lines).toContain(`sluice_paused_seconds_total{route="panel",sender="${sender}",cause="buffer"} 0`);
  }
});

test('what no route matched is counted, and nothing else of it is there', async () => {
  const state = fixture();
  tally(state.counters.unrouted.handshakes, 'no_route');
  const lines = await state.scrape();
  expect(lines.filter((line) => line.includes('(none)'))).toEqual([
    'sluice_handshakes_total{route="(none)",result="no_route"} 1',
  ]);
});

test('a rendering of hundreds of routes lets others have their turn after each slice', async () => {
  const state = fixture();
  for (let i = 0; i < 300; i++) tally(state.counters.of(`user-${i}`).handshakes, 'opened');
  let now = 0;
  const rests: number[] = [0];
  // Each look at the clock takes a millisecond.
  const turns = { now: () => now++, rest: async () => void rests.push(now) };
  const text = String(Buffer.concat(await createRenderer(state.source, turns)('text')));
  expect(text).toContain('sluice_handshakes_total{route="user-299",result="opened"} 1');
  const slices = rests.slice(1).map((at, i) => at - rests[i]!);
  expect(slices.length).toBeGreaterThan(1000);
  expect(Math.max(...slices)).toBeLessThanOrEqual(sliceMs + 2);
});

test('a route has as many series as docs/metrics.md says', async () => {
  const loaded = loadConfig('a.yaml', 'routes: [{name: panel, upstream: "http://127.0.0.1:1", preset: jupyter}]');
  if ('errors' in loaded) throw new Error('it has errors');
  const state = fixture();
  state.config = loaded.config;
  const series = async () => seriesOf(await state.scrape()).filter((line) => line.includes('route=')).length;
  expect(await series()).toBe(seriesPerRoute.unused);
  const of = state.counters.of('panel');
  // A notebook that was opened, used and closed: text and binary messages, pings, two refusals.
  for (const result of ['opened', 'upstream_refused'] as const) tally(of.handshakes, result);
  tally(of.closed, 'client', 'client_closed');
  tally(of.closed, 'sluice', 'message_too_big');
  tally(of.client.violations, 'max_message_size', 'close');
  for (const sender of [of.client, of.upstream]) {
    Object.assign(sender, { textMessages: 1, binaryMessages: 1, messageBytes: 2, wireBytes: 8 });
    for (const code of ['1000', '1001']) tally(sender.closeCodes, code);
    sender.messageSizes.observe(1);
    Object.assign(sender.pauses, { buffer: 1, queue: 1 });
    Object.assign(sender.pausedMs, { buffer: 1, queue: 1 });
  }
  for (const histogram of [of.handshakeSeconds, of.connectSeconds, of.connectionSeconds]) histogram.observe(1);
  of.pingRttSeconds.client.observe(1);
  expect(await series()).toBe(seriesPerRoute.webSockets);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const code of ['2xx', '3xx', '4xx']) tally(of.httpRequests, method, code);
  }
  of.httpRequestSeconds.observe(1);
  of.httpBodyBytes.observe(1);
  expect(await series()).toBe(seriesPerRoute.webSocketsAndHttp);
});

test('an exemplar names the connection of the last value in its bucket, in OpenMetrics alone', async () => {
  const { counters, scrape } = fixture();
  const { client, connectionSeconds } = counters.of('panel');
  client.messageSizes.observe(100, 'a1b2');
  client.messageSizes.observe(120, 'c3d4');
  client.messageSizes.observe(70_000);
  connectionSeconds.observe(90_000, 'e5f6');
  const lines = await scrape('openmetrics');
  const name = 'sluice_message_size_bytes_bucket';
  const labels = 'route="panel",sender="client"';
  expect(lines).toContain(`${name}{le="256.0",${labels}} 2 # {conn_id="c3d4"} 120`);
  expect(lines).toContain(`${name}{le="262144.0",${labels}} 3`);
  expect(lines).toContain(`${name}{le="1.048576e+06",${labels}} 3`);
  expect(lines).toContain(
    'sluice_connection_duration_seconds_bucket{le="+Inf",route="panel"} 1 # {conn_id="e5f6"} 90000',
  );
  expect((await scrape()).filter((line) => line.includes('conn_id'))).toEqual([]);
});

test('OpenMetrics names a counter without _total, and ends with its mark', async () => {
  const { counters, scrape } = fixture();
  tally(counters.of('panel').handshakes, 'opened');
  const lines = await scrape('openmetrics');
  expect(lines).toContain('# TYPE sluice_handshakes counter');
  expect(lines).toContain('sluice_handshakes_total{route="panel",result="opened"} 1');
  expect(lines).toContain('# TYPE process_cpu_seconds counter');
  expect(lines.some((line) => line.startsWith('process_cpu_seconds_total '))).toBe(true);
  expect(lines.slice(-2)).toEqual(['# EOF', '']);
  expect(lines.slice(0, -2)).not.toContain('');
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
    { route: panel, client: { ...idle, bufferedBytes: 10, queuedMessages: 1, paused: true }, upstream: idle },
    { route: panel, client: { ...idle, bufferedBytes: 5, queuedMessages: 2 }, upstream: idle },
    { route: gone, client: idle, upstream: { ...idle, bufferedBytes: 7, queuedMessages: 1, paused: true } },
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
  sessions.push(...[1, 2].map(() => ({ route: panel, client: waiting, upstream: idle })));
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
    `sluice_build_info{version="1.2.3",revision="abc",node_version="${process.versions.node}"} 1`,
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
  sessions.push({ route: panel, client: idle, upstream: idle });
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
  // Node's lag histogram says NaN before its first sample.
  for (const line of series) expect(line).toMatch(/^[a-z_0-9]+(\{([a-z_]+="[^"]*",?)+\})? (-?[\d.e+-]+|\+Inf|NaN)$/);
  const names = series.map((line) => line.split(' ')[0]);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type } of families) expect(types.get(`sluice_${name}`)).toBe(type);
});

test('a second gateway lets nothing more look at the event loop for as long as the process lives', () => {
  const { source } = fixture();
  const begun = vi.spyOn(globalThis, 'setInterval');
  onTestFinished(() => begun.mockRestore());
  createRenderer(source);
  expect(begun).not.toHaveBeenCalled();
});

test('the names of configurable-http-proxy are there where a program sets routes, and nowhere else', async () => {
  const { source, scrape } = fixture();
  const isOfHub = (line: string) => hubFamilies.some(({ name }) => line.startsWith(name));
  expect((await scrape()).filter(isOfHub)).toEqual([]);
  source.counters.hub.answers.set(503, 2);
  const routesApi = () => ({ routes: 0, requests: 0, lastRequestAtMs: 0, pageFailures: 0, differing: null });
  const text = String(Buffer.concat(await createRenderer({ ...source, routesApi })('text')));
  expect(text.split('\n').filter(isOfHub)).toEqual([
    'api_route_get 0',
    'api_route_add 0',
    'api_route_delete 0',
    'find_target_for_req_sum 0',
    'find_target_for_req_count 0',
    'last_activity_updating_sum 0',
    'last_activity_updating_count 0',
    'requests_ws 0',
    'requests_web 0',
    'requests_proxy{status="503"} 2',
  ]);
});
