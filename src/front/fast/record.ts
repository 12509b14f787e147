/** What is counted, logged and told of a request: once, when it is over. */

import type { AnsweredFailure } from '../../catalogue/outcomes.ts';
import { type Log, logHttpFailure, type RequestAbout } from '../../observe/log/log.ts';
import { tally } from '../../observe/metrics/counters.ts';
import type { Rejection } from '../../observe/report.ts';
import type { ExceededLimit } from '../errors.ts';
import type { LaneRequest } from './request.ts';

export class RequestRecord {
  /** The status that the client got; 0 for none. */
  status = 0;
  readonly #request: LaneRequest;
  readonly #log: Log;
  readonly #rejected: (rejection: Rejection) => void;
  readonly #startedAt = performance.now();

  constructor(request: LaneRequest, log: Log, rejected: (rejection: Rejection) => void) {
    this.#request = request;
    this.#log = log;
    this.#rejected = rejected;
  }

  /** Its forwarding failed. */
  failed(outcome: AnsweredFailure, limit: ExceededLimit | null, detail: string): void {
    const { route, method, address, user } = this.#request;
    if (limit !== null) {
      const { name, configured, observed } = limit;
      tally(route.counters.client.violations, name, 'reject');
      this.#rejected({ route: route.route.name, address, user, limit: name, configured, observed });
    }
    logHttpFailure(this.#log, outcome, method, { ...this.about, limit, ...(detail === '' ? {} : { detail }) });
  }

  /** It is cut off, because the gateway shuts down. */
  cut(): void {
    logHttpFailure(this.#log, 'cut', this.#request.method, this.about);
  }

  /** It is over; `bodyBytes`: the size of its body as far as known, −1 where it has none. */
  ended(bodyBytes: number): void {
    const { route, method } = this.#request;
    const { counters } = route;
    tally(counters.httpRequests, method, this.status === 0 ? 'none' : `${Math.floor(this.status / 100)}xx`);
    counters.httpRequestSeconds.observe((performance.now() - this.#startedAt) / 1000);
    if (bodyBytes >= 0) counters.httpBodyBytes.observe(bodyBytes);
  }

  get about(): RequestAbout {
    const { route, host, target, address, user } = this.#request;
    return { route: route.route.name, host, target, address, user };
  }
}
