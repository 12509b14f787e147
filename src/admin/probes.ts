/** What Prometheus and Kubernetes ask for; open to everybody who reaches the port. */
import type { Registry } from 'prom-client';
import { type Answer, text } from './answer.ts';
import type { Endpoint } from './router.ts';

/** What probes and scrapers are told. */
export interface ProbeSource {
  readonly registry: Registry;
  /** Whether new connections should come here: false while the gateway drains. */
  ready(): boolean;
}

/** `/metrics`, `/healthz` and `/readyz`. */
export function probeEndpoints({ registry, ready }: ProbeSource): Endpoint[] {
  return [
    { method: 'GET', path: '/metrics', access: 'open', answer: () => metrics(registry) },
    { method: 'GET', path: '/healthz', access: 'open', answer: () => text(200, 'ok\n') },
    {
      method: 'GET',
      path: '/readyz',
      access: 'open',
      answer: () => (ready() ? text(200, 'ready\n') : text(503, 'draining\n')),
    },
  ];
}

async function metrics(registry: Registry): Promise<Answer> {
  try {
    return text(200, await registry.metrics(), registry.contentType);
  } catch (error) {
    // A scrape that fails must not take the open connections with it.
    return text(500, `the metrics cannot be read: ${error}\n`);
  }
}
