/**
 * The admin port: probes and metrics for machines, an API and a page for operators. It serves the endpoints that it is
 * given. Each stands in a file of its own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { carriesBody } from '../http/framing.ts';
import type { Log } from '../observe/log/log.ts';
import { type Answer, problem, strictHeaders } from './answer.ts';
import type { Guard } from './guard.ts';
import { AdminListener } from './listener.ts';
import { type AdminEndpoint, Router } from './router.ts';

/** What the admin port shows. */
export interface AdminSource {
  readonly endpoints: readonly AdminEndpoint[];
  /** Asked before every endpoint. */
  readonly guard: Pick<Guard, 'refuse'> & Partial<Pick<Guard, 'asksForToken'>>;
  readonly log: Log;
  readonly hasRoom?: () => boolean;
}

/** Prometheus, probes and operators send a few hundred bytes. A client that sends more than this gets 431. */
const maxHeaderSize = 8192;

/** The admin port's server. */
export class AdminServer extends AdminListener {
  readonly #guard: AdminSource['guard'];
  readonly #router: Router;

  constructor({ endpoints, guard, log, hasRoom }: AdminSource) {
    super({ tls: null, maxHeaderSize, methods: 'GET, HEAD', takesBodies: false, log, hasRoom });
    this.#guard = guard;
    this.#router = new Router(endpoints);
  }

  /** Endpoints that stream write their answers themselves. */
  protected override async answer(req: IncomingMessage, res: ServerResponse): Promise<Answer | null> {
    if (carriesBody(req.headers)) return noBody;
    const found = this.#router.find(req);
    const access = 'refused' in found ? 'open' : found.endpoint.access;
    const refused = await this.#guard.refuse(req, access);
    if (refused !== null) return refused;
    if (access === 'operator' && this.#guard.asksForToken) this.prove(req);
    // A client that has left meanwhile would take a place that nobody gives back.
    if (res.destroyed) return null;
    if ('refused' in found) return found.refused;
    const { endpoint, ask } = found;
    if ('answer' in endpoint) return endpoint.answer(ask);
    res.setHeaders(new Map(Object.entries(strictHeaders)));
    await endpoint.stream(ask, res);
    return null;
  }
}

const noBody = problem(413, {
  code: 'body',
  what: 'the request has a body, and nothing here takes one',
  remedy: 'send the request without a body',
});
