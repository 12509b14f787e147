/** What is served at the public port: its lanes, and what a drain and a reload ask of it. */
import type { Route } from '../config/types.ts';
import type { RelayMemory } from '../relay/types.ts';
import { CarefulLane } from './careful/careful-lane.ts';
import { Entry, type EntryParts } from './entry.ts';
import { FastLane, type Holders } from './fast/fast-lane.ts';
import { PublicPort, type PublicPortParts } from './public-port.ts';
import { Reception } from './reception.ts';

/** What the front works with. */
export interface FrontParts extends PublicPortParts, Omit<EntryParts, 'reception' | 'refusesHandshakes'> {
  /** Where the bytes are that are held, and who looks after those that hold them. */
  readonly relayMemory: RelayMemory;
  readonly holders: Holders;
  /** How long a client's connection may be idle between two requests; 75 s unless given. */
  readonly keepAliveMs?: number;
}

/**
 * Load balancers keep idle connections for up to 60 s. The side that closes first must be the one that sends nothing,
 * so ours wait longer.
 */
const usualKeepAliveMs = 75_000;

export class Front {
  readonly port: PublicPort;
  readonly #parts: FrontParts;
  readonly #reception: Reception;
  readonly #entry: Entry;
  readonly #lane: FastLane;
  #refusesHandshakes = false;

  constructor(parts: FrontParts) {
    const { keepAliveMs = usualKeepAliveMs } = parts;
    this.#parts = parts;
    const refusesHandshakes = () => this.#refusesHandshakes;
    this.#reception = new Reception({ ...parts, refusesHandshakes });
    this.#entry = new Entry({ ...parts, reception: this.#reception, refusesHandshakes });
    const headersMs = () => parts.edge().headersMs;
    this.#lane = new FastLane({
      ...parts,
      careful: new CarefulLane(this.#entry, parts.memory, keepAliveMs, () => ({ headersMs: headersMs(), keepAliveMs })),
      memory: parts.relayMemory,
      reception: this.#reception,
      headersMs,
      keepAliveMs,
      endsKeepAlive: () => this.#entry.endsKeepAlive,
      refusesHandshakes,
      unrouted: () => parts.edge().unrouted,
      noteUntrusted: (address, counters) => this.#entry.noteUntrusted(address, counters),
    });
    this.port = new PublicPort(parts, this.#lane);
  }

  /** Whether handshakes are refused, because the gateway shuts down. */
  get refusesHandshakes(): boolean {
    return this.#refusesHandshakes;
  }

  /** Handshakes that are not over. */
  get handshakes(): number {
    return this.#reception.handshakes + this.#entry.handshakes + this.#lane.handshakes;
  }

  /** Requests under way. */
  get active(): number {
    return this.#reception.requests + this.#parts.forwarder.active + this.#lane.active;
  }

  /** Cuts off the requests under way for whose route `isOver` holds. Returns how many. */
  abort(isOver: (route: Route) => boolean): number {
    return this.#reception.abort(isOver) + this.#parts.forwarder.abort(isOver) + this.#lane.abort(isOver);
  }

  /** Lets each answer close its connection from now on, so that clients and proxies open the next one elsewhere. */
  endKeepAlive(): void {
    this.#entry.endsKeepAlive = true;
  }

  /** Refuses new handshakes; goes on forwarding requests, which open pages still need. */
  refuseHandshakes(): void {
    this.#refusesHandshakes = true;
  }

  /** Accepts no more connections, and lets requests under way end. */
  stopAccepting(): void {
    this.#refusesHandshakes = true;
    this.#entry.endsKeepAlive = true;
    this.port.stop();
  }

  /** Drops every connection that has not become a tunnel. */
  async close(): Promise<void> {
    this.stopAccepting();
    this.#reception.cancel();
    this.#lane.cancel();
    await this.#entry.cancel();
    this.#reception.abort(() => true);
    this.#lane.abort(() => true);
    this.port.close();
  }
}
