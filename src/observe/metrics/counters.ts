/**
 * Plain numbers for the hot path. Prometheus sees them when it scrapes (`prometheus.ts`); nothing here formats, labels
 * or allocates per message.
 *
 * Sums of bytes pass 2^31 within minutes. A field that has held small integers only makes V8 drop the compiled code of
 * all who use it at that moment, and relaying is two to four times slower for a third of a second (measured). So these
 * fields begin as a fraction, `NaN`, before they become 0.
 */
import type { ConnectionReason, EndedBy, HandshakeResult, LimitAction, LimitName } from '../../catalogue/outcomes.ts';

/** A fixed-bucket histogram of plain numbers. `bounds` are inclusive upper bounds, ascending. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One count per bound, and a last one for +Inf; not cumulative. */
  readonly counts: Float64Array;
  /** For each count the last value that is known to be of a connection, and that connection's id; `null` for none. */
  readonly exemplars: { readonly ids: (string | null)[]; readonly values: Float64Array };
  sum = Number.NaN;

  constructor(bounds: readonly number[]) {
    this.sum = 0;
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.exemplars = { ids: new Array(bounds.length + 1).fill(null), values: new Float64Array(bounds.length + 1) };
  }

  /**
   * Takes a value; `connId` is the connection that it was seen on. `summed` goes into the sum in its place, where it is
   * a mere word of a peer's: one that says 2^63 would drown all others for ever.
   */
  observe(value: number, connId?: string, summed = value): void {
    const { bounds } = this;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.counts[i]!++;
    this.sum += summed;
    if (connId !== undefined) {
      this.exemplars.ids[i] = connId;
      this.exemplars.values[i] = value;
    }
  }
}

/** 64 B to 256 MiB in steps of four. */
export const sizeBounds: readonly number[] = Array.from({ length: 12 }, (_, i) => 64 * 4 ** i);
/** Handshake and connect times in seconds. */
const latencyBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];
/** Connection life in seconds, 1 s to 24 h. */
const durationBounds: readonly number[] = [1, 5, 15, 60, 300, 900, 3600, 14_400, 43_200, 86_400];

export type PauseCause = 'buffer' | 'queue' | 'rate' | 'memory';

/**
 * A count for each set of labels that has occurred. There are few sets, so a list that is searched costs no string to
 * join and none to split. Not for per-message use.
 */
export class Tally<L extends readonly string[]> {
  /** Everything that has occurred, in the order in which it first did. */
  readonly rows: { readonly labels: L; count: number }[] = [];

  /** Counts one of these labels. */
  add(labels: L): void {
    const row = this.#find(labels);
    if (row) row.count++;
    else this.rows.push({ labels, count: 1 });
  }

  /** How many there were of these labels. */
  get(...labels: L): number {
    return this.#find(labels)?.count ?? 0;
  }

  /** How many there were in all. */
  get total(): number {
    return this.rows.reduce((sum, { count }) => sum + count, 0);
  }

  #find(labels: L): { readonly labels: L; count: number } | undefined {
    return this.rows.find((row) => row.labels.every((label, i) => label === labels[i]));
  }
}

/** Counts one of these labels in a tally. */
export function tally<L extends readonly string[]>(counts: Tally<L>, ...labels: L): void {
  counts.add(labels);
}

/** What became of questions to the store of shared quotas. */
export class QuotaStoreCounters {
  /** `admitted`, `refused`, or `local`: the store could not tell, so this pod's own count decided. */
  readonly decisions = new Tally<[result: 'admitted' | 'refused' | 'local']>();
  readonly seconds = new Histogram(latencyBounds.filter((seconds) => seconds <= 0.5));
  /** How often it was lost, or could not be reached. */
  lost = 0;
}

/** How often something was done, and how long it took in all. */
export class Timed {
  count = 0;
  seconds = Number.NaN;

  constructor() {
    this.seconds = 0;
  }

  /** It has been done, from one time to another, as `performance.now()` tells them. */
  add(fromMs: number, toMs: number): void {
    this.count++;
    this.seconds += (toMs - fromMs) / 1000;
  }
}

/** What configurable-http-proxy counts, for whoever watches a hub's proxy by those names. */
export class HubCounters {
  /** To the public port. */
  readonly requests = { http: 0, websocket: 0 };
  /** What they were answered, by status. */
  readonly answers = new Map<number, number>();
  /** What requests to the API were answered, by status. */
  readonly apiAnswers = new Map<number, number>();
  readonly routes = { listed: 0, set: 0, deleted: 0 };
  readonly lookUps = new Timed();
  readonly uses = new Timed();
}

/** Counts one of a status; there are no more than a thousand. */
export function countStatus(counts: Map<number, number>, status: number): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

/** What one sender did on one route. */
export class SenderCounters {
  textMessages = 0;
  binaryMessages = 0;
  /** Payload bytes of data messages. */
  messageBytes = Number.NaN;
  /** Every byte read from this sender after the handshake. */
  wireBytes = Number.NaN;
  /** Sizes of complete messages, and of refused ones as far as known. */
  readonly messageSizes = new Histogram(sizeBounds);
  readonly pauses: Record<PauseCause, number> = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  readonly pausedMs: Record<PauseCause, number> = { buffer: 0, queue: 0, rate: 0, memory: 0 };
  readonly violations = new Tally<[limit: LimitName, action: LimitAction]>();
  /** Close codes received from this sender, folded by `foldCloseCode`. */
  readonly closeCodes = new Tally<[code: string]>();

  constructor() {
    this.messageBytes = 0;
    this.wireBytes = 0;
  }

  /** Data messages of either type. */
  get messages(): number {
    return this.textMessages + this.binaryMessages;
  }
}

/** Everything counted for one route; it outlives reloads, keyed by the route's name. */
export class RouteCounters {
  readonly client = new SenderCounters();
  readonly upstream = new SenderCounters();
  readonly handshakes = new Tally<[result: HandshakeResult]>();
  /** What became of credentials, on routes that ask for some. */
  readonly auth = new Tally<[kind: string, result: string]>();
  readonly handshakeSeconds = new Histogram(latencyBounds);
  readonly connectSeconds = new Histogram(latencyBounds);
  readonly connectionSeconds = new Histogram(durationBounds);
  readonly closed = new Tally<[by: EndedBy, reason: ConnectionReason]>();
  readonly pingRttSeconds = { client: new Histogram(latencyBounds), upstream: new Histogram(latencyBounds) };
  /** By error: connect_refused, connect_timeout, dns, reset, bad_handshake, handshake_timeout, other. */
  readonly upstreamErrors = new Tally<[error: string]>();
  untrustedForwardingHeaders = 0;
  /** Handshakes beyond the rate that a preset expects of one address; they were let in. */
  handshakesOverRate = 0;
  /** By class of the status: `2xx`; `none` where there was none. */
  readonly httpRequests = new Tally<[method: string, code: string]>();
  readonly httpRequestSeconds = new Histogram([...latencyBounds, 30, 60, 300]);
  readonly httpBodyBytes = new Histogram(sizeBounds);
}
