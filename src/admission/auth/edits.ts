/**
 * What authentication changes in a request before it goes on: credentials are taken out, lines that only Sluice may
 * write are taken out in every spelling, and what is known of the user is put in.
 */

/** The head of a request that goes on. */
export interface EditedHead {
  removeField(name: string): void;
  removeCookie(name: string): void;
  removeSubprotocol(name: string): void;
  removeParameter(name: string): void;
  setField(name: string, value: string): void;
}

export interface Edits {
  /** Names, folded, of lines that are taken out. */
  readonly lines: ReadonlySet<string>;
  readonly cookies: ReadonlySet<string>;
  /** Subprotocols, exactly as they were offered. */
  readonly subprotocols: ReadonlySet<string>;
  /** Parameters of the query. */
  readonly parameters: ReadonlySet<string>;
  /** Lines that are put in. */
  readonly added: readonly (readonly [name: string, value: string])[];
}

const none: ReadonlySet<string> = new Set();

/** Nothing is changed. */
export const noEdits: Edits = { lines: none, cookies: none, subprotocols: none, parameters: none, added: [] };

/** Both. */
export function joinEdits(a: Edits, b: Edits): Edits {
  return {
    lines: new Set([...a.lines, ...b.lines]),
    cookies: new Set([...a.cookies, ...b.cookies]),
    subprotocols: new Set([...a.subprotocols, ...b.subprotocols]),
    parameters: new Set([...a.parameters, ...b.parameters]),
    added: [...a.added, ...b.added],
  };
}

/** What the first takes out, but for what the second does. */
export function lessEdits(a: Edits, b: Edits): Edits {
  return {
    lines: less(a.lines, b.lines),
    cookies: less(a.cookies, b.cookies),
    subprotocols: less(a.subprotocols, b.subprotocols),
    parameters: less(a.parameters, b.parameters),
    added: a.added,
  };
}

function less(a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> {
  return new Set([...a].filter((one) => !b.has(one)));
}

/** Writes the edits down for the request that goes on. */
export function applyEdits({ lines, cookies, subprotocols, parameters, added }: Edits, changes: EditedHead): void {
  for (const line of lines) changes.removeField(line);
  for (const cookie of cookies) changes.removeCookie(cookie);
  for (const subprotocol of subprotocols) changes.removeSubprotocol(subprotocol);
  for (const parameter of parameters) changes.removeParameter(parameter);
  for (const [name, value] of added) changes.setField(name, value);
}
