/**
 * The metrics of configurable-http-proxy, by its own names and with its help, where a program sets routes: who has
 * dashboards and alerts for JupyterHub's proxy goes on reading them.
 */
import type { HubCounters, Timed } from './counters.ts';
import { type Exposition, type Format, labelText } from './exposition.ts';

/** One of them. */
export interface HubFamily {
  readonly name: string;
  readonly type: 'counter' | 'summary';
  readonly help: string;
  readonly labels: readonly string[];
  /** Values by what their labels say, or how often something was done and how long it took. */
  read(counters: HubCounters): readonly (readonly [labels: readonly string[], value: number])[] | Timed;
}

function counter(name: string, help: string, value: (counters: HubCounters) => number): HubFamily {
  return { name, type: 'counter', help, labels: [], read: (counters) => [[[], value(counters)]] };
}

function byStatus(
  name: string,
  help: string,
  counts: (counters: HubCounters) => ReadonlyMap<number, number>,
): HubFamily {
  const read: HubFamily['read'] = (counters) =>
    [...counts(counters)].map(([status, count]) => [[String(status)], count] as const);
  return { name, type: 'counter', help, labels: ['status'], read };
}

export const hubFamilies: readonly HubFamily[] = [
  counter('api_route_get', 'Count of API route get requests', ({ routes }) => routes.listed),
  counter('api_route_add', 'Count of API route add requests', ({ routes }) => routes.set),
  counter('api_route_delete', 'Count of API route delete requests', ({ routes }) => routes.deleted),
  {
    name: 'find_target_for_req',
    type: 'summary',
    help: 'Summary of find target requests',
    labels: [],
    read: ({ lookUps }) => lookUps,
  },
  {
    name: 'last_activity_updating',
    type: 'summary',
    help: 'Summary of last activity updating requests',
    labels: [],
    read: ({ uses }) => uses,
  },
  counter('requests_ws', 'Count of websocket requests', ({ requests }) => requests.websocket),
  counter('requests_web', 'Count of web requests', ({ requests }) => requests.http),
  byStatus('requests_proxy', 'Count of proxy requests', ({ answers }) => answers),
  byStatus('requests_api', 'Count of API requests', ({ apiAnswers }) => apiAnswers),
];

/** Writes all of them. */
export function writeHubFamilies(out: Exposition, format: Format, counters: HubCounters): void {
  for (const { name, type, help, labels, read } of hubFamilies) {
    // A counter of OpenMetrics ends with `_total`, and these names are what is wanted.
    out.family(name, type === 'counter' && format === 'openmetrics' ? 'unknown' : type, help);
    const found = read(counters);
    if ('seconds' in found) {
      out.sample('', found.seconds, '_sum');
      out.sample('', found.count, '_count');
    } else for (const [values, value] of found) out.sample(labelText(labels, values), value);
  }
}
