/**
 * The routes of one host by their path patterns: a trie of segments, changed in place. A look-up visits the nodes that
 * the path's own segments lead to, so its time does not depend on how many routes there are.
 */
import { comparePatterns, matchesPattern, type Pattern, type Specificity } from './pattern.ts';

/** A route under its pattern. */
interface Entry<R> {
  readonly route: R;
  readonly specificity: Specificity;
  /** Where the way to the entry says the whole pattern, `null`. */
  readonly pattern: Pattern | null;
  /** Of two equally specific patterns the one that was added first wins. */
  readonly order: number;
}

/** Most nodes are leaves with one pattern: what a node does not have, it has no list for. */
interface Node<R> {
  literals: Map<string, Node<R>> | null;
  /** Below `*`. */
  any: Node<R> | null;
  /** Patterns that end here. */
  ends: readonly Entry<R>[];
  /** Patterns that go on with `**`: what follows is compared with the whole path. */
  tails: readonly Entry<R>[];
}

const none: readonly never[] = [];

/** A trie of patterns. */
export class PathTrie<R> {
  readonly #root: Node<R> = newNode();
  #size = 0;
  #added = 0;

  /** How many routes it holds. */
  get size(): number {
    return this.#size;
  }

  /** The only route, where it takes every path; `null` elsewhere. */
  get sole(): R | null {
    return this.#size === 1 ? (this.#root.ends[0]?.route ?? null) : null;
  }

  add(route: R, pattern: Pattern): void {
    let node = this.#root;
    for (const piece of pattern.runs[0]!) node = childFor(node, piece);
    const { specificity } = pattern;
    const entry = { route, specificity, pattern: pattern.runs.length === 1 ? null : pattern, order: this.#added++ };
    setList(node, pattern, [...listIn(node, pattern), entry]);
    this.#size++;
  }

  /** Takes a route out, and what of the trie was there for it alone. */
  remove(route: R, pattern: Pattern): void {
    const pieces = pattern.runs[0]!;
    const way: Node<R>[] = [this.#root];
    for (const piece of pieces) {
      const next = childOf(way.at(-1)!, piece);
      if (next === null) return;
      way.push(next);
    }
    const list = listIn(way.at(-1)!, pattern);
    const at = list.findIndex((entry) => entry.route === route);
    if (at < 0) return;
    setList(way.at(-1)!, pattern, list.length === 1 ? none : list.toSpliced(at, 1));
    this.#size--;
    for (let i = pieces.length; i > 0 && isEmpty(way[i]!); i--) cutChild(way[i - 1]!, pieces[i - 1]!);
  }

  /** The route with the most specific pattern for a path, given as decoded segments. */
  match(segments: readonly string[]): R | null {
    return search(this.#root, segments, 0, null)?.route ?? null;
  }
}

function newNode<R>(): Node<R> {
  return { literals: null, any: null, ends: none, tails: none };
}

function childOf<R>(node: Node<R>, piece: string | null): Node<R> | null {
  return piece === null ? node.any : (node.literals?.get(piece) ?? null);
}

function childFor<R>(node: Node<R>, piece: string | null): Node<R> {
  const child = childOf(node, piece) ?? newNode<R>();
  if (piece === null) node.any = child;
  else {
    node.literals ??= new Map();
    node.literals.set(piece, child);
  }
  return child;
}

function cutChild<R>(node: Node<R>, piece: string | null): void {
  if (piece === null) node.any = null;
  else node.literals!.delete(piece);
}

function listIn<R>(node: Node<R>, pattern: Pattern): readonly Entry<R>[] {
  return pattern.runs.length === 1 ? node.ends : node.tails;
}

function setList<R>(node: Node<R>, pattern: Pattern, list: readonly Entry<R>[]): void {
  if (pattern.runs.length === 1) node.ends = list;
  else node.tails = list;
}

function isEmpty<R>({ literals, any, ends, tails }: Node<R>): boolean {
  return (literals === null || literals.size === 0) && any === null && ends.length === 0 && tails.length === 0;
}

/** Depth first; no deeper than the longest pattern, whatever the path. */
function search<R>(node: Node<R>, segments: readonly string[], depth: number, best: Entry<R> | null): Entry<R> | null {
  let found = best;
  for (const end of node.ends) if (isBetter(end, found)) found = end;
  for (const tail of node.tails) if (isBetter(tail, found) && matchesPattern(tail.pattern!, segments)) found = tail;
  const segment = segments[depth];
  if (segment === undefined) return found;
  const literal = node.literals?.get(segment);
  if (literal !== undefined) found = search(literal, segments, depth + 1, found);
  if (node.any !== null && segment !== '') found = search(node.any, segments, depth + 1, found);
  return found;
}

function isBetter<R>(one: Entry<R>, other: Entry<R> | null): boolean {
  if (other === null) return true;
  const order = comparePatterns(one.specificity, other.specificity);
  return order < 0 || (order === 0 && one.order < other.order);
}
