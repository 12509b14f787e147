/**
 * How one request's head is changed on its way to the upstream, beside what happens to every head. Fields are set or
 * removed. A query parameter, a cookie or a subprotocol that holds a credential is removed. All else stays byte for
 * byte.
 */
import { foldName, kindOf } from './fields.ts';
import { withoutParameters } from './query.ts';
import type { RawHeaders } from './raw-fields.ts';

/**
 * A value that can stand in a head as it is: no controls, no line ends, and nothing around it that the other end
 * would cut off (RFC 9110 §5.5).
 */
export const isFieldValue = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/** What a request must not be given anew. */
const framesOrRoutes = /^(?:host|content-length)$/i;

export class Changes {
  /** What is set, in order: appended to the head. */
  readonly set: (readonly [name: string, value: string])[] = [];
  /** Folded names of lines that go no further. */
  readonly #removed = new Set<string>();
  readonly #parameters = new Set<string>();
  readonly #cookies = new Set<string>();
  readonly #subprotocols = new Set<string>();
  /** Whether the upstream is told who asks (`X-Forwarded-*`). */
  forwarded = true;
  /** What becomes of the target in the end; `null` for nothing. */
  retarget: ((target: string) => string) | null = null;

  /**
   * Sets a field to a value as Node reads one, a character for each byte; what the client sent by that name, in any
   * spelling, goes no further. `false`: the value cannot stand in a head as it is, or the name is one of a connection's
   * own. Then nothing is set, and the caller must refuse the request: a value that was made to fit would name somebody
   * else.
   */
  setField(name: string, value: string): boolean {
    this.removeField(name);
    return this.addField(name, value);
  }

  /** The same beside what came by that name. */
  addField(name: string, value: string): boolean {
    if (!isFieldValue.test(value) || kindOf(name) === 'hop' || framesOrRoutes.test(name)) return false;
    this.set.push([name, value]);
    return true;
  }

  /** The same with any text, which is written as UTF-8. */
  setText(name: string, text: string): boolean {
    return this.setField(name, Buffer.from(text).toString('latin1'));
  }

  /** Names another host to the upstream; not for what a client says. */
  setHost(host: string): void {
    this.removeField('host');
    this.set.push(['Host', host]);
  }

  /** Removes a field in every spelling: to CGI `X_User` and `X-User` are one. */
  removeField(name: string): void {
    this.#removed.add(foldName(name));
  }

  /** Whether what came by this name goes no further. */
  removes(name: string): boolean {
    return this.#removed.has(foldName(name));
  }

  /** Removes a query parameter by its decoded name. */
  removeParameter(name: string): void {
    this.#parameters.add(name);
  }

  /** Removes a cookie. */
  removeCookie(name: string): void {
    this.#cookies.add(name);
  }

  /** Removes one of the subprotocols that are offered. */
  removeSubprotocol(name: string): void {
    this.#subprotocols.add(name);
  }

  /** The target for the upstream. */
  target(target: string): string {
    const kept = this.#parameters.size === 0 ? target : withoutParameters(target, this.#parameters);
    return this.retarget === null ? kept : this.retarget(kept);
  }

  /** The lines of a head for the upstream, names and values in turn, without those that are set. */
  lines(raw: RawHeaders): RawHeaders {
    return raw.flatMap((name, i) => {
      const value = i % 2 === 0 ? this.line(name, raw[i + 1]!) : null;
      return value === null ? [] : [name, value];
    });
  }

  /** All lines of a head that goes on. */
  all(raw: RawHeaders): RawHeaders {
    return [...this.lines(raw), ...this.set.flat()];
  }

  /** The value of a line for the upstream; `null` where the line goes no further. */
  line(name: string, value: string): string | null {
    if (this.#removed.size > 0 && this.#removed.has(foldName(name))) return null;
    const lower = name.toLowerCase();
    if (lower === 'cookie') return without(value, ';', this.#cookies, cookieName);
    if (lower === 'sec-websocket-protocol') return without(value, ',', this.#subprotocols, (element) => element.trim());
    return value;
  }
}

/** To look for each of so many names costs less than to take a list apart. */
const fewNames = 8;

/** A list without some of its elements; `null` where none is left. */
function without(
  value: string,
  separator: string,
  removed: ReadonlySet<string>,
  nameIn: (element: string) => string,
): string | null {
  // Mostly there is none. A list may have 30 000 elements, and whoever asks may have named thousands of them.
  if (removed.size <= fewNames && ![...removed].some((name) => value.includes(name))) return value;
  const elements = value.split(separator);
  const kept = elements.filter((element) => !removed.has(nameIn(element)));
  if (kept.length === elements.length) return value;
  const text = kept.join(separator).trim();
  return text === '' ? null : text;
}

function cookieName(pair: string): string {
  return pair.split('=', 1)[0]!.trim();
}
