/**
 * What came of a read, or of the end of a wait. The list is short, in order, and given to the session when the read is
 * over.
 */
import type { Violation } from '../../observe/report.ts';
import type { GateEvents } from './gate.ts';

export type Happening =
  /** Behind a close frame nothing more is read. */
  | { readonly what: 'ping' | 'pong' | 'close'; readonly payload: Buffer }
  /** The sender broke the protocol: nothing more is read. */
  | { readonly what: 'fault'; readonly detail: string }
  /** A limit was exceeded. With `action: close` nothing that begins behind it is passed on. */
  | { readonly what: 'violation'; readonly violation: Violation }
  /** A message of the sender was dropped, and this is what it is answered. */
  | { readonly what: 'answer'; readonly payload: Buffer }
  /** The sender is not read until its answers have gone: see `Direction.answered`. */
  | { readonly what: 'unanswered' }
  /** The message that a drain waited for is complete: see `Direction.stopAfterMessage`. */
  | { readonly what: 'boundary' };

/** Collects them. In the usual case nothing happens, and nothing is allocated. */
export class Happenings implements GateEvents {
  #list: Happening[] | null = null;

  add(happening: Happening): void {
    this.#list ??= [];
    this.#list.push(happening);
  }

  exceeded(violation: Violation): void {
    this.add({ what: 'violation', violation });
  }

  noted(violation: Violation): void {
    this.add({ what: 'violation', violation });
  }

  /** What has happened since this was asked last; `null` for nothing. */
  take(): readonly Happening[] | null {
    const list = this.#list;
    // This is asked after each read, so nothing is written if nothing has happened.
    if (list !== null) this.#list = null;
    return list;
  }
}
