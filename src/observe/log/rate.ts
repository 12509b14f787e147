/**
 * How many lines of a kind clients may cause. A client can be refused, or open and end connections, as often as it
 * likes; a log that has a line for each of them is its lever on disks and readers. What is left out is counted, and
 * told of in one line every ten seconds.
 */

/** Lines of one kind: a bucket of tokens, one a line. */
interface Kind {
  tokens: number;
  at: number;
  /** Lines left out since the last that told of it, and the fields and words of the last of them. */
  leftOut: number;
  fields: object;
}

/** What the rate allows; `null` allows everything. */
export interface Allowance {
  readonly perSecond: number;
  readonly burst: number;
}

/** Told of lines that were left out: how many, and the fields by which the last of them is known. */
export type ReportLeftOut = (lines: number, kind: string, fields: object) => void;

const reportIntervalMs = 10_000;

export class LineRate {
  /** Lines that were left out. */
  leftOut = 0;
  readonly #report: ReportLeftOut;
  readonly #now: () => number;
  readonly #kinds = new Map<string, Kind>();
  #allowance: Allowance | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** `now` is a monotonic time in milliseconds. */
  constructor(report: ReportLeftOut, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Allows so much of each kind from now on. */
  change(allowance: Allowance | null): void {
    const { perSecond, burst } = this.#allowance ?? {};
    if (perSecond === allowance?.perSecond && burst === allowance?.burst) return;
    this.flush();
    this.#kinds.clear();
    this.#allowance = allowance;
  }

  /** Whether one more line of this kind may be written; `fields` say which it was, where not. */
  allows(name: string, fields: object): boolean {
    if (this.#allowance === null) return true;
    const { perSecond, burst } = this.#allowance;
    const now = this.#now();
    const kind = this.#kinds.get(name) ?? this.#add(name, { tokens: burst, at: now, leftOut: 0, fields });
    kind.tokens = Math.min(burst, kind.tokens + ((now - kind.at) / 1000) * perSecond);
    kind.at = now;
    if (kind.tokens >= 1) {
      kind.tokens--;
      return true;
    }
    kind.leftOut++;
    kind.fields = fields;
    this.leftOut++;
    this.#timer ??= setTimeout(() => this.flush(), reportIntervalMs).unref();
    return false;
  }

  #add(name: string, kind: Kind): Kind {
    this.#kinds.set(name, kind);
    return kind;
  }

  /** Tells of everything that was left out and not told of. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const [name, kind] of this.#kinds) {
      if (kind.leftOut > 0) this.#report(kind.leftOut, name, kind.fields);
      kind.leftOut = 0;
    }
  }
}
