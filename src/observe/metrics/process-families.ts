/** The process as a whole: its build, its configuration, whether it drains. */
import { type AdminRefusal, adminOutcomes } from '../../catalogue/outcomes.ts';
import { QuotaStoreCounters } from './counters.ts';
import type { Family } from './families.ts';
import type { MetricsSource, QuotaStoreReading, RoutesApiReading } from './source.ts';

/** Metrics without a route. */
export const processFamilies: readonly Family[] = [
  {
    type: 'gauge',
    name: 'build_info',
    help: 'Always 1; the labels say which Sluice runs on which Node. An image sets its revision as SLUICE_REVISION.',
    // Not `node`: relabelling usually writes the name of the pod's machine there.
    labels: ['version', 'revision', 'node_version'],
    ofProcess: ({ build }, emit) => emit([build.version, build.revision, process.versions.node], 1),
  },
  {
    type: 'gauge',
    name: 'config_last_reload_successful',
    help: 'Whether the last attempt to load the configuration succeeded (1) or not (0); the start counts.',
    labels: [],
    ofProcess: (source, emit) => emit([], Number(source.lastReload().successful)),
  },
  {
    type: 'gauge',
    name: 'config_last_reload_success_timestamp_seconds',
    help: 'When the configuration in force was loaded, as Unix time.',
    labels: [],
    ofProcess: (source, emit) => emit([], source.lastReload().succeededAtMs / 1000),
  },
  {
    type: 'counter',
    name: 'config_reloads_total',
    help: 'Attempts to load the configuration anew, by result: `success`, or `failure` where the one before stayed in force.',
    labels: ['result'],
    ofProcess(source, emit) {
      for (const [result, count] of Object.entries(source.reloads())) emit([result], count);
    },
  },
  {
    type: 'gauge',
    name: 'files_rejected',
    help: 'Files that the configuration names (users, tokens, keys, certificates, lists, schemas) and that cannot be used as they are now; what was in use before them stays. Those of `listen.tls`, and of one `upstream_tls`, count as one.',
    labels: [],
    ofProcess: (source, emit) => emit([], source.rejectedFiles()),
  },
  {
    type: 'gauge',
    name: 'config_hash',
    help: 'The first 52 bits of the SHA-256 of the configuration files in force: equal numbers, equal files.',
    labels: [],
    ofProcess: (source, emit) => emit([], Number.parseInt(source.config().hash.slice(0, 13), 16)),
  },
  {
    type: 'gauge',
    name: 'draining',
    help: 'Whether the gateway is shutting down (1) or not (0).',
    labels: [],
    ofProcess: (source, emit) => emit([], Number(source.drainDeadlineAtMs() !== null)),
  },
  {
    type: 'gauge',
    name: 'drain_deadline_timestamp_seconds',
    help: 'When the shutdown under way cuts its last connection, as Unix time; 0 where the gateway is not shutting down.',
    labels: [],
    ofProcess: (source, emit) => emit([], (source.drainDeadlineAtMs() ?? 0) / 1000),
  },
  {
    type: 'counter',
    name: 'admin_refused_total',
    help: 'Requests to the admin port that were refused, by reason: without the token, with a wrong one, or led here by a page of another site.',
    labels: ['reason'],
    ofProcess({ counters }, emit) {
      for (const reason of Object.keys(adminOutcomes) as AdminRefusal[])
        emit([reason], counters.adminRefusals.get(reason));
    },
  },
  {
    type: 'counter',
    name: 'log_lines_dropped_total',
    help: 'Log lines that were dropped, by reason: `unread` where whoever reads the log did not keep up or was gone, or its disk was full; `rate` where clients caused more lines of a kind than `log.max_rate` allows.',
    labels: ['reason'],
    ofProcess(source, emit) {
      for (const [reason, lines] of Object.entries(source.logLinesDropped())) emit([reason], lines);
    },
  },
  {
    type: 'gauge',
    name: 'routes_api_routes',
    help: 'Routes that a program has set by `routes_api`; they are counted by their templates.',
    labels: [],
    ofProcess: (source, emit) => ofApi(source, ({ routes }) => emit([], routes)),
  },
  {
    type: 'counter',
    name: 'routes_api_requests_total',
    help: 'Requests to the API of routes that were let in.',
    labels: [],
    ofProcess: (source, emit) => ofApi(source, ({ requests }) => emit([], requests)),
  },
  {
    type: 'gauge',
    name: 'routes_api_last_request_timestamp_seconds',
    help: 'When the last of them came, or before the first one Sluice began to listen for them, as Unix time. JupyterHub asks every `last_activity_interval`.',
    labels: [],
    ofProcess: (source, emit) => ofApi(source, ({ lastRequestAtMs }) => emit([], lastRequestAtMs / 1000)),
  },
  {
    type: 'gauge',
    name: 'routes_api_differing',
    help: "Routes that the hub's last check found missing in this replica, or leading elsewhere than in others, before it set them again.",
    labels: [],
    ofProcess: (source, emit) =>
      ofApi(source, ({ differing }) => {
        if (differing !== null) emit([], differing);
      }),
  },
  {
    type: 'counter',
    name: 'error_page_failures_total',
    help: 'Pages for 404 and 503 that did not come from `error_target` or `error_path`, so that Sluice wrote its own.',
    labels: [],
    ofProcess: (source, emit) => ofApi(source, ({ pageFailures }) => emit([], pageFailures)),
  },
  {
    type: 'gauge',
    name: 'quota_store_up',
    help: 'Whether the store of `quotas` counts (1), or this pod counts alone (0); not there where no store is named.',
    labels: [],
    ofProcess: (source, emit) => ofStore(source, ({ isThere }) => emit([], Number(isThere))),
  },
  {
    type: 'counter',
    name: 'quota_store_decisions_total',
    help: "Handshakes and requests that caps or rates over all pods concern, by result: `admitted` or `refused` by the store, or `local` where it could not tell, so that this pod's own count held.",
    labels: ['result'],
    ofProcess: (source, emit) =>
      ofStore(source, ({ counters }) => {
        for (const result of ['admitted', 'refused', 'local'] as const) emit([result], counters.decisions.get(result));
      }),
  },
  {
    type: 'counter',
    name: 'quota_store_lost_total',
    help: 'How often the store of `quotas` was lost, or could not be reached; the log says why (`quota_store_lost`).',
    labels: [],
    ofProcess: (source, emit) => ofStore(source, ({ counters }) => emit([], counters.lost)),
  },
  {
    type: 'histogram',
    name: 'quota_store_duration_seconds',
    help: 'How long the store of `quotas` took to answer for one handshake or request.',
    labels: [],
    bounds: new QuotaStoreCounters().seconds.bounds,
    ofProcess: (source, emit) => ofStore(source, ({ counters }) => emit([], counters.seconds)),
  },
];

/** Where all pods count together. */
function ofStore(source: MetricsSource, emit: (reading: QuotaStoreReading) => void): void {
  const reading = source.quotaStore?.() ?? null;
  if (reading !== null) emit(reading);
}

/** Where a program sets routes. */
function ofApi(source: MetricsSource, emit: (reading: RoutesApiReading) => void): void {
  const reading = source.routesApi?.() ?? null;
  if (reading !== null) emit(reading);
}
