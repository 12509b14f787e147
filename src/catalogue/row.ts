/** What a row of the catalogue says. */
import type { LimitKind, Rate } from './limit-values.ts';

/** How a line of the log is marked. */
export type Level = 'info' | 'warn' | 'error';

/** Who ended it. */
export type EndedBy = 'client' | 'upstream' | 'sluice';

/** What the operator on call is told about an ending; Markdown without line breaks. */
export interface Advice {
  readonly means: string;
  /** Fields of the log line, metrics, and other programs' logs. */
  readonly look: string;
  /** What ends it; "nothing" where it is how things should be. */
  readonly change: string;
}

interface Ending {
  readonly level: Level;
  /** Two letters for people who grep; one flag stands for one ending. */
  readonly flag: string;
  /** What happened, in the log line and in the answer to the client. */
  readonly words: string;
  readonly advice: Advice;
}

/** What of a route decides whether an ending is watched. */
export interface WatchedRoute {
  readonly origins: readonly string[] | null;
  readonly requireOrigin: boolean;
}

/** How a handshake, an HTTP request or a request to the admin port ends. */
export interface AnswerRow extends Ending {
  /**
   * The HTTP status to the client. It is 0 where none can be sent (the client is gone) or where the upstream's own is
   * mirrored.
   */
  readonly status: number;
  /**
   * What to change, for the person who meets the answer or runs the gateway. It is missing where Sluice sends no
   * answer.
   */
  readonly remedy?: string;
  /** Header lines that the status requires or that help a client: RFC 6455 §4.4, RFC 9110 §15.5.6 and §10.2.3. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /**
   * When to come back, in whole seconds. It is a range, because clients that were refused in one instant shall not
   * return in one. Behind a load balancer another instance answers at once, so a drain needs only the time that it
   * takes to spread them.
   */
  readonly retryAfterS?: readonly [least: number, most: number];
  /** The routes on which its counter is there at 0, because an alert watches it. */
  readonly isWatched?: (route: WatchedRoute) => boolean;
}

/** How an open connection ends. */
export interface CloseRow extends Ending {
  /** The close code to the client; 0 passes on the peer's own code. */
  readonly client: number;
  readonly upstream: number;
  /** Its counter is there at 0 with this `closed_by`, because an alert watches it. */
  readonly watchedBy?: EndedBy;
}

/** An ending under its name in the labels `reason` and `result`. */
type Own<Row> = Row & { readonly as: string };

/** The endings that only this limit has. */
export interface LimitEndings {
  /** How an open connection ends by it. */
  readonly closes?: Own<CloseRow>;
  /** How a handshake ends by it. */
  readonly refuses?: Own<AnswerRow>;
  /** How an HTTP request ends by it. */
  readonly fails?: Own<AnswerRow>;
}

/** A limit: its setting, its endings, and how people are told of both. */
interface LimitRow extends LimitEndings {
  /** Where the code finds it: a field of `SenderLimits`, or a path in `Route` or `Config`. */
  readonly field: string;
  readonly kind: LimitKind;
  /** What it is for, in the reference of the configuration. */
  readonly about: string;
  /** Whether it is counted as a violation, with its key as the label `limit`. */
  readonly isViolation: boolean;
  /**
   * Its counter of violations is there at 0, always or where the limit is neither infinite nor off: an alert watches
   * it.
   */
  readonly watched?: 'always' | 'where it binds';
  /**
   * What the close frame says; `{observed}` and `{limit}` are told in the limit's unit, `{detail}` as the violation has
   * it.
   */
  readonly exceeded?: string;
  /** For the table in README.md. */
  readonly table: {
    /** In the place of a built-in value that is infinite or `null`. */
    readonly none?: string;
    /** What stands behind the built-in value. */
    readonly unit?: string;
    /** What happens before the code or the status is seen. */
    readonly first?: string;
    /** Where else it is counted, without the prefix. */
    readonly counted?: readonly string[];
  };
}

/** A limit of what one side may send. */
export interface SenderLimitRow extends LimitRow {
  /** What holds where nobody says anything, for both sides or for each; `null` is no limit. */
  readonly builtIn: LimitValue | { readonly client: LimitValue; readonly upstream: LimitValue };
  /** `{sender}` and `{receiver}` in it are the two sides. */
  readonly about: string;
}

/** A limit of a route, or of the whole process. */
export interface SharedLimitRow extends LimitRow {
  /** Where it stands in the file, below a route or at the top. */
  readonly path: string;
  /** Whether a reload changes it for what is open already, or for what comes then. */
  readonly reload: 'live' | 'new';
  /** What holds where nobody says anything; `null` is what the process finds for itself. */
  readonly builtIn: number | null;
}

/** What messages must hold. It is off unless a route asks for it. */
export interface ContentRuleRow extends LimitRow {
  readonly builtIn: null;
}

type LimitValue = number | Rate | null;
