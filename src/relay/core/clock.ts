/** Time as the relay has it: it is given, so that a test decides what it is and waits for nothing. */
export interface Clock {
  /** In milliseconds; only differences mean anything. */
  now(): number;
  /** Calls back once `ms` have passed. */
  after(ms: number, call: () => void): Alarm;
}

/** A call that is to come. */
export interface Alarm {
  cancel(): void;
}
