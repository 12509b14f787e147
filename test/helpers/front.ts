/** The public port without the rest of a gateway: with steps of the test's in the place of authentication. */
import { RouteRates } from '../../src/admission/rates.ts';
import type { Step } from '../../src/admission/visit.ts';
import type { Route } from '../../src/config/types.ts';
import { HttpForwarder } from '../../src/front/careful/forwarder.ts';
import { compileEdge, type Edge } from '../../src/front/edge.ts';
import { Front } from '../../src/front/front.ts';
import { LastingRoutes } from '../../src/front/lasting.ts';
import { Recorder } from '../../src/front/recorder.ts';
import { CounterStore } from '../../src/observe/metrics/store.ts';
import type { Rejection } from '../../src/observe/report.ts';
import type { MemoryBudget } from '../../src/relay/memory/memory-budget.ts';
import { SessionRegistry } from '../../src/relay/registry.ts';
import { testConnector } from './connector.ts';
import { configOf } from './gateway.ts';
import { type LogLine, LogLines } from './log-lines.ts';

export interface TestFront extends AsyncDisposable {
  readonly port: number;
  readonly front: Front;
  readonly sessions: SessionRegistry;
  readonly budget: MemoryBudget;
  readonly counters: CounterStore;
  readonly lines: LogLine[];
  readonly rejections: Rejection[];
  /** What is counted of endings by now, as text, without times. */
  counted(): string[];
  /** Resolves when something has been logged since it was last called. */
  logged(): Promise<LogLine>;
}

export interface FrontOptions {
  readonly routes: readonly Route[];
  /** Stands in the place of authentication. */
  readonly step?: Step;
  readonly maxBufferedBytes?: number;
  /** What bounds how many connections may wait. */
  readonly containerBytes?: number;
}

export async function startFront(options: FrontOptions): Promise<TestFront> {
  const { routes, step, maxBufferedBytes, containerBytes = Number.POSITIVE_INFINITY } = options;
  const lines = new LogLines();
  const { log } = lines;
  const config = configOf({ routes });
  log.configure(config.log);
  const counters = new CounterStore();
  const rejections: Rejection[] = [];
  const recorder = new Recorder({
    log,
    hub: null,
    unrouted: () => edge.unrouted,
    rejected: (rejection) => rejections.push(rejection),
  });
  const sessions = new SessionRegistry(
    {
      onViolation() {},
      onFurtherViolations() {},
      onEnd: (session, report) =>
        recorder.ended({
          subject: { id: session.id, route: session.routeName, facts: session.facts },
          counters: session.counters,
          report,
          state: { configHash: '', draining: false },
        }),
    },
    maxBufferedBytes,
  );
  const { memory } = sessions;
  const { budget } = memory;
  const lasting = new LastingRoutes(counters, testConnector(), {
    memory: budget,
    refusesHandshakes: () => front.refusesHandshakes,
    rates: new RouteRates(),
    reported: () => {},
    authenticate: () => step ?? null,
    quotas: null,
  });
  const edge: Edge = compileEdge(config, lasting);
  const forwarder = new HttpForwarder({
    recorder,
    memory: budget,
    relayMemory: memory,
    holders: sessions,
    kernelQueue: () => null,
    pages: () => null,
  });
  const front: Front = new Front({
    upstreams: lasting,
    edge: () => edge,
    tls: false,
    containerBytes,
    forwarder,
    log,
    memory: budget,
    relayMemory: memory,
    holders: sessions,
    pages: () => null,
    recorder,
    open: (init) => {
      recorder.opened(init);
      sessions.open(init);
    },
  });
  const port = await front.port.listen(config.listen.address, 'group');
  return {
    port,
    front,
    sessions,
    budget,
    counters,
    lines: lines.all,
    rejections,
    counted: () => countedOf(counters, routes),
    logged: () => lines.next(),
    async [Symbol.asyncDispose]() {
      await front.close();
      forwarder.close();
      sessions.cutAll();
      await sessions.whenEmpty();
      lasting.close();
    },
  };
}

function countedOf(store: CounterStore, routes: readonly Route[]): string[] {
  const all = [['(none)', store.unrouted] as const, ...routes.map(({ label }) => [label, store.of(label)] as const)];
  return all.flatMap(([label, counters]) => {
    const tallies = { ...counters, violations: counters.client.violations };
    const names = ['handshakes', 'httpRequests', 'closed', 'upstreamErrors', 'violations'] as const;
    return names.flatMap((name) =>
      tallies[name].rows.map(({ labels, count }) => `${label} ${name} ${labels.join(' ')} ${count}`),
    );
  });
}
