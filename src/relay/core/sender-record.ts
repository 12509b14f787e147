/** What one sender has sent on one connection, for its listing and for the log line at its end. */
import type { SenderReport } from '../../observe/report.ts';
import type { Pauses } from './pauses.ts';

export class SenderRecord {
  /** Whole data messages. */
  messages = 0;
  fragments = 0;
  /** Payload bytes of data frames. A fraction first (see counters.ts). */
  payloadBytes = Number.NaN;
  maxMessageBytes = 0;
  maxBufferedBytes = 0;

  constructor() {
    this.payloadBytes = 0;
  }

  report(pauses: Pauses): SenderReport {
    return {
      messages: this.messages,
      bytes: this.payloadBytes,
      maxMessageBytes: this.maxMessageBytes,
      fragments: this.fragments,
      pauses: pauses.count,
      pausedMs: Math.round(pauses.totalMs),
      maxBufferedBytes: this.maxBufferedBytes,
    };
  }
}
