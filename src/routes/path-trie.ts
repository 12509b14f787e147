/**
 * The routes of one host by their path patterns: a trie of segments, changed in place. A look-up visits the nodes that
 * the path's own segments lead to, so its time does not depend on how many routes there are.
 */
import { comparePatterns, matchesPattern, type Pattern, type Specificity } from './pattern.ts';

/** A route under its pattern. */
export interface TrieEntry<R> {
  readonly route: R;
  readonly specificity: Specificity;
  /** Where the way to the entry says the whole pattern, `null`. */
  readonly pattern: Pattern | null;
  /** Of two equally specific patterns the one that was added first wins. */
  readonly order: number;
  /** A further one at the same place. */
  next: TrieEntry<R> | null;
}

/** A user more is a node more: what most of them do not have, they have no object for. */
interface Node<R> {
  /** The segment that leads here; empty below `*`, and at the root. */
  readonly piece: string;
  /** A single child stands for itself; several are found by their segments. */
  literals: Node<R> | Map<string, Node<R>> | null;
  /** Patterns that end here. */
  ends: TrieEntry<R> | null;
  wild: Wild<R> | null;
}

/** What of a node has stars in it. */
interface Wild<R> {
  /** Below `*`. */
  any: Node<R> | null;
  /** Patterns that go on with `**`: what follows is compared with the whole path. */
  tails: TrieEntry<R> | null;
}

/** A trie of patterns. */
export class PathTrie<R> {
  readonly #root: Node<R> = newNode('');
  #size = 0;
  #added = 0;

  /** How many routes it holds. */
  get size(): number {
    return this.#size;
  }

  /** The only route, where it takes every path; `null` elsewhere. */
  get sole(): R | null {
    return this.#size === 1 ? (this.#root.ends?.route ?? null) : null;
  }

  add(route: R, pattern: Pattern): void {
    let node = this.#root;
    for (const piece of pattern.runs[0]!) node = childFor(node, piece);
    const { specificity } = pattern;
    const isWhole = pattern.runs.length === 1;
    const next = listIn(node, pattern);
    setList(node, pattern, { route, specificity, pattern: isWhole ? null : pattern, order: this.#added++, next });
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
    const end = way.at(-1)!;
    let before: TrieEntry<R> | null = null;
    let entry = listIn(end, pattern);
    for (; entry !== null && entry.route !== route; entry = entry.next) before = entry;
    if (entry === null) return;
    if (before === null) setList(end, pattern, entry.next);
    else before.next = entry.next;
    this.#size--;
    for (let i = pieces.length; i > 0 && isEmpty(way[i]!); i--) cutChild(way[i - 1]!, pieces[i - 1]!);
  }

  /** What has the most specific pattern for a path, given as decoded segments. */
  match(segments: readonly string[]): TrieEntry<R> | null {
    return search(this.#root, segments, 0, null);
  }
}

function newNode<R>(piece: string): Node<R> {
  return { piece, literals: null, ends: null, wild: null };
}

function literalOf<R>({ literals }: Node<R>, piece: string): Node<R> | null {
  if (literals === null) return null;
  if (literals instanceof Map) return literals.get(piece) ?? null;
  return literals.piece === piece ? literals : null;
}

function childOf<R>(node: Node<R>, piece: string | null): Node<R> | null {
  return piece === null ? (node.wild?.any ?? null) : literalOf(node, piece);
}

function childFor<R>(node: Node<R>, piece: string | null): Node<R> {
  const known = childOf(node, piece);
  if (known !== null) return known;
  const child = newNode<R>(piece ?? '');
  if (piece === null) wildOf(node).any = child;
  else if (node.literals === null) node.literals = child;
  else {
    if (!(node.literals instanceof Map)) node.literals = new Map([[node.literals.piece, node.literals]]);
    node.literals.set(piece, child);
  }
  return child;
}

function cutChild<R>(node: Node<R>, piece: string | null): void {
  if (piece === null) {
    wildOf(node).any = null;
    forgetWild(node);
  } else if (!(node.literals instanceof Map)) node.literals = null;
  else {
    node.literals.delete(piece);
    if (node.literals.size === 0) node.literals = null;
  }
}

function wildOf<R>(node: Node<R>): Wild<R> {
  node.wild ??= { any: null, tails: null };
  return node.wild;
}

function forgetWild<R>(node: Node<R>): void {
  if (node.wild?.any === null && node.wild.tails === null) node.wild = null;
}

function listIn<R>(node: Node<R>, pattern: Pattern): TrieEntry<R> | null {
  return pattern.runs.length === 1 ? node.ends : (node.wild?.tails ?? null);
}

function setList<R>(node: Node<R>, pattern: Pattern, list: TrieEntry<R> | null): void {
  if (pattern.runs.length === 1) node.ends = list;
  else {
    wildOf(node).tails = list;
    forgetWild(node);
  }
}

function isEmpty<R>({ literals, ends, wild }: Node<R>): boolean {
  return literals === null && ends === null && wild === null;
}

/** Depth first; no deeper than the longest pattern, whatever the path. */
function search<R>(
  node: Node<R>,
  segments: readonly string[],
  depth: number,
  best: TrieEntry<R> | null,
): TrieEntry<R> | null {
  const { wild } = node;
  let found = best;
  for (let end = node.ends; end !== null; end = end.next) if (isBetter(end, found)) found = end;
  for (let tail = wild?.tails ?? null; tail !== null; tail = tail.next) {
    if (isBetter(tail, found) && matchesPattern(tail.pattern!, segments)) found = tail;
  }
  const segment = segments[depth];
  if (segment === undefined) return found;
  const literal = literalOf(node, segment);
  if (literal !== null) found = search(literal, segments, depth + 1, found);
  const any = wild?.any ?? null;
  if (any !== null && segment !== '') found = search(any, segments, depth + 1, found);
  return found;
}

function isBetter<R>(one: TrieEntry<R>, other: TrieEntry<R> | null): boolean {
  if (other === null) return true;
  const order = comparePatterns(one.specificity, other.specificity);
  return order < 0 || (order === 0 && one.order < other.order);
}
