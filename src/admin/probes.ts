/** Probes for Kubernetes and load balancers, open to everybody who reaches the port. */
import type { ConfigState } from '../config/live/state.ts';
import { type Answer, json, text } from './answer.ts';
import type { AdminEndpoint } from './router.ts';

/** What probes are told. */
export interface ProbeSource {
  /** Whether the public port lets clients in: `yes`, or why not. */
  accepting(): Promise<string>;
  draining(): boolean;
  /** Whether every route is there: `complete`, or why not. */
  routes(): string;
  config(): ConfigState;
}

/** Why new connections should or should not come here, as `/readyz?verbose` tells it. */
interface Readiness {
  readonly ready: boolean;
  /** The answer in a word: `ready`, or why not. */
  readonly state: string;
  readonly accepting: string;
  readonly draining: boolean;
  readonly routes: string;
  readonly config: {
    /** `rejected`: the files as they are now have errors, and the configuration before them stays in force. */
    readonly files: 'in force' | 'rejected';
    readonly rejected_at: string | null;
    readonly errors: number;
  };
}

/** `/healthz` and `/readyz`. */
export function probeEndpoints(source: ProbeSource): AdminEndpoint[] {
  return [
    { method: 'GET', path: '/healthz', access: 'open', answer: () => text(200, 'ok\n') },
    {
      method: 'GET',
      path: '/readyz',
      access: 'open',
      answer: async ({ req, query }) => answerOf(await readinessOf(source), query.has('verbose'), req.headers.accept),
    },
  ];
}

async function readinessOf(source: ProbeSource): Promise<Readiness> {
  const accepting = await source.accepting();
  const [draining, routes] = [source.draining(), source.routes()];
  const trouble = accepting !== 'yes' ? accepting : routes !== 'complete' ? routes : null;
  const { lastError } = source.config();
  return {
    ready: trouble === null && !draining,
    state: draining ? 'draining' : (trouble ?? 'ready'),
    accepting,
    draining,
    routes,
    config: {
      // The limits before hold, so nobody is hurt. That does not take the instance out of service.
      files: lastError === null ? 'in force' : 'rejected',
      rejected_at: lastError === null ? null : new Date(lastError.atMs).toISOString(),
      errors: lastError?.errors.length ?? 0,
    },
  };
}

function answerOf(readiness: Readiness, verbose: boolean, accept = ''): Answer {
  const status = readiness.ready ? 200 : 503;
  if (!verbose) return text(status, `${readiness.state}\n`);
  return accept.includes('application/json') ? json(status, readiness) : text(status, inLines(readiness));
}

/** In the form of Kubernetes' own probes: a line for each thing that is looked at. */
function inLines({ state, accepting, draining, routes, config }: Readiness): string {
  const { files, rejected_at: at, errors } = config;
  const rejected =
    `[!] the configuration files were rejected at ${at} (errors: ${errors}): those before stay in force, and a restart ` +
    'would fail; look for config_rejected in the log';
  const lines = [
    accepting === 'yes' ? '[+] the public port accepts connections' : `[-] the public port: ${accepting}`,
    draining ? '[-] draining' : '[+] not draining',
    ...(routes === 'complete' ? [] : [`[-] the routes: ${routes}`]),
    files === 'in force' ? '[+] the configuration files are in force' : rejected,
    state,
  ];
  return `${lines.join('\n')}\n`;
}
