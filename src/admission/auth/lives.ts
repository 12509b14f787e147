/**
 * What becomes of a connection after its handshake, because of whom it belongs to: it ends when what the user signed
 * in with expires, when the service that is asked again says so, and when the user is shut out.
 */
import { contain, workAside } from '../../mistakes.ts';
import { Holding, type MemoryLedger } from '../memory.ts';
import type { OpenConnection } from '../open-connection.ts';
import { weighText } from './identity.ts';
import type { Life, Recheck, Standing } from './types.ts';

export interface LivesParts {
  /** Milliseconds since 1970: when something expires. */
  readonly wallClock: () => number;
  /** A monotonic time in ms: when to ask again. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly chance: () => number;
  /** Whether a user has been shut out. */
  readonly isRevoked: (name: string) => boolean;
  /** Where is written down what is kept of users. */
  readonly memory: MemoryLedger;
}

/** How often the clocks are looked at. */
const tickMs = 1000;
/** Where nobody could say whether a user may stay, this soon again, or sooner where the route asks more often. */
const retryMs = 30_000;
/** To sign in again would not help, which is what the catalogue's words advise. */
const shutOut = 'this user may not come in any more';

interface Watched {
  readonly connection: OpenConnection;
  /** `null` where a service has let somebody in without saying whom. */
  readonly name: string | null;
  readonly life: Life;
  /** What is kept of it in memory, for the next look and for those who ask who it is. */
  readonly bytes: number;
  /** When the service is asked again; `null` while it is, and where nobody is. */
  askAt: number | null;
}

export class Lives {
  readonly #parts: LivesParts;
  readonly #watched = new Set<Watched>();
  readonly #holding: Holding;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LivesParts) {
    this.#parts = parts;
    this.#holding = new Holding(parts.memory);
  }

  /** Connections that are looked after. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Looks after a connection of a user until that is disposed of. Its backend may have taken long to answer the
   * handshake, and the user may have been shut out meanwhile.
   */
  watch(connection: OpenConnection, name: string | null, life: Life, groups: readonly string[] = []): Disposable {
    const { now, chance } = this.#parts;
    if (this.#isRevoked(name)) connection.end('revoked', shutOut);
    const { recheck } = life;
    // Those who come together are not asked about together.
    const askAt = recheck === null ? null : now() + recheck.everyMs * (0.5 + chance() / 2);
    const bytes = groups.reduce((sum, group) => sum + weighText(group), recheck?.bytes ?? 0);
    const watched: Watched = { connection, name, life, bytes, askAt };
    this.#watched.add(watched);
    this.#holding.bytes += bytes;
    this.#timer ??= setInterval(
      () =>
        contain(
          () => this.tick(),
          () => {},
        ),
      tickMs,
    ).unref();
    return { [Symbol.dispose]: () => this.#forget(watched) };
  }

  /** Ends every connection of users who have been shut out. How many. */
  endRevoked(): number {
    let count = 0;
    for (const { connection, name } of this.#watched) {
      if (!this.#isRevoked(name)) continue;
      connection.end('revoked', shutOut);
      count++;
    }
    return count;
  }

  /** Ends what has expired, and asks about those whose time has come. */
  tick(): void {
    const wall = this.#parts.wallClock();
    const now = this.#parts.now();
    for (const watched of this.#watched) {
      const { connection, life, askAt } = watched;
      if (life.endsAtMs !== null && wall >= life.endsAtMs) connection.end('expired');
      else if (askAt !== null && now >= askAt) workAside(this.#ask(watched, life.recheck!));
    }
  }

  close(): void {
    for (const watched of this.#watched) this.#forget(watched);
  }

  #isRevoked(name: string | null): boolean {
    return name !== null && this.#parts.isRevoked(name);
  }

  async #ask(watched: Watched, { everyMs, ask }: Recheck): Promise<void> {
    watched.askAt = null;
    // A mistake of ours sends nobody away; it is asked again soon.
    const standing = await ask().catch((): Standing => 'unknown');
    if (standing === 'goes') watched.connection.end('revoked');
    else watched.askAt = this.#parts.now() + (standing === 'stays' ? everyMs : Math.min(everyMs, retryMs));
  }

  #forget(watched: Watched): void {
    if (!this.#watched.delete(watched)) return;
    this.#holding.bytes -= watched.bytes;
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
