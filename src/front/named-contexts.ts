/** Which certificate a client gets by the name that it asks for. */

/** A certificate with its chain and the key, both PEM. */
export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Pairs by names: lower case, exact or `*.example.org`. The pair beside them serves every other name. */
export interface NamedPairs extends Pair {
  readonly named: ReadonlyMap<string, Pair>;
}

/**
 * Makes what serves each name with `make`, once for each certificate: one may hold a hundred names, and with a long
 * list of what is revoked a context takes 50 ms and 4 MB. Returns a look-up; `undefined` is the pair beside the names.
 */
export function namedContexts<Context>(
  { cert, named }: NamedPairs,
  make: (pair: Pair) => Context,
): (name: string) => Context | undefined {
  const made = new Map<Buffer, Context | undefined>([[cert, undefined]]);
  const byName = new Map<string, Context | undefined>();
  for (const [name, pair] of named) {
    if (!made.has(pair.cert)) made.set(pair.cert, make(pair));
    byName.set(name, made.get(pair.cert));
  }
  return (asked) => {
    const name = asked.toLowerCase();
    // A star stands for one label (RFC 6125 §6.4.3), and an exact name comes before it.
    return byName.get(byName.has(name) ? name : name.replace(/^[^.]+/, '*'));
  };
}
