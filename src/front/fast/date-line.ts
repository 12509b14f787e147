/** A `Date` line, made once in a second. */
import { httpDate } from '../date.ts';

export class DateLine {
  #at = 0;
  #line: Buffer = Buffer.alloc(0);

  /** `now`: milliseconds since 1970. */
  at(now: number): Buffer {
    const second = Math.floor(now / 1000);
    if (second !== this.#at) {
      this.#at = second;
      this.#line = Buffer.from(`Date: ${httpDate(now)}\r\n`, 'latin1');
    }
    return this.#line;
  }
}
