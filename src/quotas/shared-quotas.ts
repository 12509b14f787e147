/**
 * What this pod has of the counts that all pods share: it holds numbers of connections by key, asks the store about
 * each newcomer, and tells it what has changed, soon, and all of it again and again, so that its leases last. A pod
 * that is gone says nothing more, and is forgotten.
 *
 * Nothing here ends a connection, and nobody waits for a store that is lost.
 */
import { createHash } from 'node:crypto';
import type { AskedCount, AskedRate, QuotaAnswer, QuotaKind, Quotas } from '../admission/quotas.ts';
import { contain, workAside } from '../mistakes.ts';
import { type QuotaStoreCounters, tally } from '../observe/metrics/counters.ts';
import { QuotaStore, type QuotaStoreParts, type StoredCount } from './store.ts';

/** What the store is told at once: it does nothing else meanwhile, so that is half a millisecond of it. */
const mostTold = 256;
/** What is remembered of keys that a lost store still counts; further ones end with their lease. */
const mostChanged = 100_000;

export interface SharedQuotasParts
  extends Pick<QuotaStoreParts, 'dial' | 'credentials' | 'database' | 'pod' | 'leaseMs' | 'timeoutMs' | 'retryMs'> {
  /** Before all keys: two gateways that have different ones count apart. */
  readonly prefix: string;
  readonly counters: QuotaStoreCounters;
  readonly found: () => void;
  readonly lost: (problem: string) => void;
}

export class SharedQuotas implements Quotas {
  readonly #parts: SharedQuotasParts;
  readonly #store: QuotaStore;
  readonly #held = new Map<string, number>();
  /** Keys whose number the store has to be told. */
  readonly #changed = new Set<string>();
  #heartbeat: NodeJS.Timeout | undefined;
  #isSending = false;

  constructor(parts: SharedQuotasParts) {
    this.#parts = parts;
    // Each pod counts itself too, under a key that ends with it, so that it always has something to tell: a store that
    // falls silent is noticed, and no router between forgets the connection, though nobody comes.
    this.#held.set(this.keyOf('alive', '', parts.pod), 1);
    this.#store = new QuotaStore({
      ...parts,
      probeKey: this.keyOf('pod', '', parts.pod),
      greeted: async (say) => {
        this.#changeAll();
        return await this.#send(say);
      },
      found: () => {
        this.#sendSoon();
        parts.found();
      },
    });
  }

  /** Whether the store counts; else this pod counts alone. */
  get isThere(): boolean {
    return this.#store.isThere;
  }

  /** Connects, now and whenever the store is lost; resolves when the first attempt has come to an end. */
  start(): Promise<void> {
    // A word or two may be lost before a lease ends.
    this.#heartbeat = setInterval(() => {
      contain(
        () => {
          this.#changeAll();
          this.#sendSoon();
        },
        () => {},
      );
    }, this.#parts.leaseMs / 3);
    return this.#store.start();
  }

  /** Other credentials are there. */
  retry(): void {
    this.#store.retry();
  }

  /**
   * The names of a kind and a route are in it as they are, so that people find them. Whoever asks is a hash: users are
   * not named in the store. Braces keep all keys in one slot, where there are slots.
   */
  keyOf(kind: QuotaKind | 'pod' | 'alive', label: string, who: string): string {
    const hashed = who === '' ? '' : `:${createHash('sha256').update(who).digest('base64url').slice(0, 22)}`;
    return `{${this.#parts.prefix}}:${kind}:${label}${hashed}`;
  }

  hold(keys: readonly string[]): Disposable {
    for (const key of keys) this.#held.set(key, this.#ownOf(key) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        for (const key of keys) this.#release(key);
        this.#sendSoon();
      },
    };
  }

  ask(counts: readonly AskedCount[], rates: readonly AskedRate[]): Promise<QuotaAnswer> | 'unknown' {
    if (this.#store.isThere) return this.#ask(counts, rates);
    for (const { key } of counts) this.#change(key);
    tally(this.#parts.counters.decisions, 'local');
    return 'unknown';
  }

  /** Gives everything back, and ends. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#changeAll();
    this.#held.clear();
    while (this.#store.isThere && this.#changed.size > 0) workAside(this.#store.take(this.#nextWord(), []));
    this.#store.close();
  }

  async #ask(counts: readonly AskedCount[], rates: readonly AskedRate[]): Promise<QuotaAnswer> {
    const { counters } = this.#parts;
    const startedAt = performance.now();
    const said = await this.#store.take(
      counts.map(({ key, cap }) => ({ key, cap, own: this.#ownOf(key) })),
      rates.map(({ key, rate }) => ({ key, perSecond: rate.perSecond, burst: rate.burst })),
    );
    counters.seconds.observe((performance.now() - startedAt) / 1000);
    if (said === null) for (const { key } of counts) this.#change(key);
    tally(counters.decisions, said === null ? 'local' : said === 'taken' ? 'admitted' : 'refused');
    return said ?? 'unknown';
  }

  #ownOf(key: string): number {
    return this.#held.get(key) ?? 0;
  }

  #release(key: string): void {
    const left = this.#ownOf(key) - 1;
    if (left > 0) this.#held.set(key, left);
    else this.#held.delete(key);
    this.#change(key);
  }

  #change(key: string): void {
    if (this.#changed.size < mostChanged) this.#changed.add(key);
  }

  #changeAll(): void {
    for (const key of this.#held.keys()) this.#changed.add(key);
  }

  /** In the next turn, so that many who leave at once are one word. */
  #sendSoon(): void {
    if (this.#isSending || !this.#store.isThere || this.#changed.size === 0) return;
    this.#isSending = true;
    setImmediate(() => {
      const said = this.#send(async (counts) => (await this.#store.take(counts, [])) === 'taken');
      workAside(
        said
          .finally(() => {
            this.#isSending = false;
          })
          // What was not heard is told when the store is back, or with all the rest.
          .then((isHeard) => isHeard && this.#sendSoon()),
      );
    });
  }

  /** Tells what has changed, a part after the other; whether all was heard. */
  async #send(say: (counts: readonly StoredCount[]) => Promise<boolean>): Promise<boolean> {
    while (this.#changed.size > 0) {
      const word = this.#nextWord();
      if (await say(word)) continue;
      for (const { key } of word) this.#change(key);
      return false;
    }
    return true;
  }

  /** A part of what has changed, as it is now. */
  #nextWord(): StoredCount[] {
    const word: StoredCount[] = [];
    for (const key of this.#changed) {
      this.#changed.delete(key);
      word.push({ key, own: this.#ownOf(key), cap: -1 });
      if (word.length === mostTold) break;
    }
    return word;
  }
}
