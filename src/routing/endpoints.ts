/** Endpoints: where the connections of a route go. A session holds a lease of an endpoint, not a URL. */
import type { UpstreamTarget } from '../config/types.ts';

/** One backend address and the connections that use it. */
export class Endpoint {
  readonly target: UpstreamTarget;
  #leases = 0;

  constructor(target: UpstreamTarget) {
    this.target = target;
  }

  /** Connections that hold a lease now. */
  get leases(): number {
    return this.#leases;
  }

  /** Lends this endpoint to one connection. */
  lease(): EndpointLease {
    this.#leases++;
    let held = true;
    const giveBack = () => {
      if (held) this.#leases--;
      held = false;
    };
    return { target: this.target, [Symbol.dispose]: giveBack };
  }
}

/** The right to use an endpoint, until it is disposed of. */
export interface EndpointLease extends Disposable {
  readonly target: UpstreamTarget;
}
