/**
 * The store of counts and rates that all pods share, in Valkey or Redis, over one connection. It keeps nobody waiting
 * for longer than its time-out: what does not answer in time, or refuses, is lost, and nobody is sent there before it
 * has answered anew.
 *
 *   lost ─► connecting ─► greeted ─► there ─► an error, or no answer in time ─► lost, and after a while again
 *               └───────────┴ refused ─► lost
 */
import type { Socket } from 'node:net';
import type { QuotaRefusal } from '../admission/quotas.ts';
import { workAside } from '../mistakes.ts';
import { StoreConnection } from './connection.ts';
import { type Reply, ReplyError } from './resp.ts';
import { takeScript, takeScriptSha } from './script.ts';
import { errorWords } from './words.ts';

/** A number of connections over all pods: this pod's own with what is asked for, and the cap, −1 for none. */
export interface StoredCount {
  readonly key: string;
  readonly own: number;
  readonly cap: number;
}

/** A rate over all pods. */
export interface StoredRate {
  readonly key: string;
  readonly perSecond: number;
  readonly burst: number;
}

/** Who comes. */
export interface StoreUser {
  readonly username: string | null;
  readonly password: string;
}

export interface QuotaStoreParts {
  /** Opens a connection, within this time. A problem says what went wrong. */
  readonly dial: (timeoutMs: number, signal: AbortSignal) => Promise<{ socket: Socket } | { problem: string }>;
  /** Read at each connection, so that a password that has been changed holds; `null` for nobody in particular. */
  readonly credentials: () => StoreUser | null;
  readonly database: number;
  /** Of this process, and of no other. */
  readonly pod: string;
  /** A key of this process, which shows whether the store takes anything. */
  readonly probeKey: string;
  readonly leaseMs: number;
  readonly timeoutMs: number;
  /** Between two attempts; it is asked how many have failed. */
  readonly retryMs: (failed: number) => number;
  /** Tells the store everything anew; whether it was heard. Nobody is sent there before. */
  readonly greeted: (tell: (counts: readonly StoredCount[]) => Promise<boolean>) => Promise<boolean>;
  /** It answers. */
  readonly found: () => void;
  readonly lost: (problem: string) => void;
}

/** Connecting, over TLS and far away, is a few round trips, for which nobody waits. */
const leastConnectMs = 1000;
/** One that is lost sooner than this is tried less and less often. */
const steadyMs = 10_000;

/** Whatever it says: eleven days, or a billion connections. */
const mostSeen = 1e9;
const notAsked = 'it answers something else than was asked';

export class QuotaStore {
  readonly #parts: QuotaStoreParts;
  readonly #closing = new AbortController();
  #connection: StoreConnection | null = null;
  #isThere = false;
  #foundAtMs = 0;
  #failed = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Whether the store knows the script by its hash, as far as this connection has heard. */
  #knowsScript = false;

  constructor(parts: QuotaStoreParts) {
    this.#parts = parts;
  }

  /** Whether it has answered, and nothing has been wrong since. */
  get isThere(): boolean {
    return this.#isThere;
  }

  /** Connects, now and whenever it is lost. Resolves when the first attempt has come to an end. */
  async start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { signal } = this.#closing;
    if (signal.aborted || this.#connection !== null) return;
    const { timeoutMs } = this.#parts;
    const dialled = await this.#parts.dial(Math.max(leastConnectMs, timeoutMs), signal);
    if (signal.aborted) {
      if ('socket' in dialled) dialled.socket.destroy();
      return;
    }
    if ('problem' in dialled) {
      this.#lose(null, dialled.problem);
      return;
    }
    const { socket } = dialled;
    const connection = new StoreConnection({
      socket,
      timeoutMs,
      broken: (problem) => this.#lose(connection, problem),
    });
    this.#connection = connection;
    this.#knowsScript = false;
    const isGreeted = await this.#greet(connection);
    if (!isGreeted) this.#lose(connection, notAsked);
    if (this.#connection !== connection) return;
    this.#isThere = true;
    this.#foundAtMs = performance.now();
    this.#parts.found();
  }

  /** Tries again at once, where it waits for that. */
  retry(): void {
    if (this.#timer !== undefined && this.#connection === null) this.#startAside();
  }

  /** Connects, while nobody waits for that. */
  #startAside(): void {
    workAside(this.start(), () => this.#lose(this.#connection, notAsked));
  }

  /** Takes all, or says who refuses; `null` where the store cannot tell. */
  async take(counts: readonly StoredCount[], rates: readonly StoredRate[]): Promise<'taken' | QuotaRefusal | null> {
    const connection = this.#connection;
    if (!this.#isThere || connection === null || !connection.hasRoom) return null;
    return await this.#run(connection, counts, rates);
  }

  /** Ends the connection once what was said has been sent. */
  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
    this.#isThere = false;
    this.#connection?.close();
    this.#connection = null;
  }

  async #greet(connection: StoreConnection): Promise<boolean> {
    const { credentials, database, pod, probeKey, leaseMs, greeted } = this.#parts;
    const who = credentials();
    if (who !== null) {
      const command = ['AUTH', ...(who.username === null ? [] : [who.username]), who.password];
      if (!(await this.#succeeds(connection, command, true))) return false;
    }
    if (database !== 0 && !(await this.#succeeds(connection, ['SELECT', database], false))) return false;
    // One that is a replica, or has no memory left, answers and takes nothing.
    if (!(await this.#succeeds(connection, ['SET', probeKey, pod, 'PX', leaseMs], false))) return false;
    return await greeted(async (counts) => (await this.#run(connection, counts, [])) === 'taken');
  }

  /** Whether a command has been carried out; else it is lost. */
  async #succeeds(
    connection: StoreConnection,
    command: readonly (string | number)[],
    isSecret: boolean,
  ): Promise<boolean> {
    const reply = await connection.ask(command);
    if (reply === 'OK') return true;
    if (reply instanceof ReplyError) this.#lose(connection, errorWords(reply, isSecret));
    else if (this.#connection === connection) this.#lose(connection, notAsked);
    return false;
  }

  async #run(
    connection: StoreConnection,
    counts: readonly StoredCount[],
    rates: readonly StoredRate[],
  ): Promise<'taken' | QuotaRefusal | null> {
    const { pod, leaseMs } = this.#parts;
    const rest = [
      counts.length + rates.length,
      ...[...counts, ...rates].map(({ key }) => key),
      ...[pod, leaseMs, counts.length],
      ...counts.flatMap(({ cap, own }) => [cap, own]),
      ...rates.flatMap(({ perSecond, burst }) => [1000 / perSecond, burst]),
    ];
    let reply = await connection.ask(
      this.#knowsScript ? ['EVALSHA', takeScriptSha, ...rest] : ['EVAL', takeScript, ...rest],
    );
    // It was flushed, or another server has taken over behind the same connection.
    if (reply instanceof ReplyError && reply.text.startsWith('NOSCRIPT')) {
      this.#knowsScript = false;
      reply = await connection.ask(['EVAL', takeScript, ...rest]);
    }
    const said = readAnswer(reply, counts.length + rates.length);
    if (said !== null) this.#knowsScript = true;
    else if (reply instanceof ReplyError) this.#lose(connection, errorWords(reply, false));
    else this.#lose(connection, notAsked);
    return said;
  }

  /** `connection` is the one that was lost; `null` where there was none yet. */
  #lose(connection: StoreConnection | null, problem: string): void {
    if (this.#closing.signal.aborted || connection !== this.#connection) return;
    this.#connection = null;
    connection?.close();
    if (this.#isThere && performance.now() - this.#foundAtMs >= steadyMs) this.#failed = 0;
    this.#isThere = false;
    this.#parts.lost(problem);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#startAside();
      },
      this.#parts.retryMs(this.#failed++),
    );
  }
}

/** What the script has answered, of so many keys; `null` where that is no answer of it. */
function readAnswer(reply: Reply, keys: number): 'taken' | QuotaRefusal | null {
  if (!Array.isArray(reply)) return null;
  const [place, seen] = reply as readonly unknown[];
  if (typeof place !== 'number' || typeof seen !== 'number' || place < 0 || place > keys) return null;
  return place === 0 ? 'taken' : { place: place - 1, seen: Math.min(Math.max(0, seen), mostSeen) };
}
