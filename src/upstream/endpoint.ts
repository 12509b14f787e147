/**
 * Endpoints: where the connections of a route go. A handshake and an HTTP request hold a lease of one, not a URL. What
 * was opened under an older configuration ends where it began.
 */
import type { Route, UpstreamTarget, UpstreamTls } from '../config/types.ts';
import type { Connected, Connector, Dial, DialAsk, DialEvents } from './connect.ts';
import type { ConnectFailure } from './failure.ts';
import { Pool } from './pool.ts';

/** One backend address, the connections that are used again, and how many use it now. */
export class Endpoint {
  readonly target: UpstreamTarget;
  /** For plain HTTP. */
  readonly pool: Pool;
  readonly #tls: UpstreamTls;
  readonly #connector: Connector;
  readonly #guarded: boolean;
  #leases = 0;

  /** `guarded`: the target was not chosen by the configuration. */
  constructor({ upstream, upstreamTls, http }: Route, connector: Connector, guarded = false) {
    this.target = upstream;
    this.#guarded = guarded;
    this.#tls = upstreamTls;
    this.#connector = connector;
    this.pool = new Pool((timeoutMs, signal) => this.connect(timeoutMs, signal), http.maxUpstreamConnections);
  }

  /** Handshakes, WebSocket connections and HTTP requests that hold a lease now. */
  get leases(): number {
    return this.#leases;
  }

  /** Lends this endpoint to one of them. */
  lease(): EndpointLease {
    this.#leases++;
    let held = true;
    const giveBack = () => {
      if (held) this.#leases--;
      held = false;
    };
    return { endpoint: this, [Symbol.dispose]: giveBack };
  }

  /** Takes over the bounds of another version of its route. If the endpoint had retired, it is in use again. */
  use({ http }: Route): void {
    this.pool.revive();
    this.pool.max = http.maxUpstreamConnections;
  }

  /** No route leads here any more. Idle connections are closed now, and others when they are given back. */
  retire(): void {
    this.pool.retire();
  }

  /** Opens a connection that never comes into the pool by itself. */
  connect(timeoutMs: number, signal: AbortSignal): Promise<Connected | ConnectFailure> {
    return this.#connector.connect({ ...this.#ask(timeoutMs), signal });
  }

  /** The same without a promise. */
  dial(timeoutMs: number, events: DialEvents): Dial {
    return this.#connector.dial(this.#ask(timeoutMs), events);
  }

  #ask(timeoutMs: number): DialAsk {
    return { target: this.target, tls: this.#tls, guarded: this.#guarded, forwards: true, timeoutMs };
  }
}

/** The right to use an endpoint, until it is disposed of. */
export interface EndpointLease extends Disposable {
  readonly endpoint: Endpoint;
}

/** The key of an endpoint. Two routes, or one route before and after a change, that have the same key share it. */
export function endpointKey({ name, upstream, upstreamTls }: Route): string {
  return JSON.stringify([name, upstream.href, upstreamTls]);
}
