/** What an API is told of a route: its target, and whatever else the sender wants to be given back. */
import type { RouteKind } from '../config/types.ts';
import type { RouteProblem } from './route-problem.ts';

export interface ApiData {
  /** As it was sent. */
  readonly target: string;
  readonly kind: RouteKind;
  /** Everything else, as members of a JSON object, each behind a comma; `last_activity` is ours to say. */
  readonly more: string;
}

/** JupyterHub's are two deep. What is deeper is not made for being read again. */
const deepest = 32;
/** JupyterHub's have less than 200; each is held for as long as its route. */
const longest = 16 * 1024;

const kinds: readonly (readonly [key: string, kind: RouteKind])[] = [
  ['hub', 'hub'],
  ['user', 'server'],
  ['service', 'service'],
];

/** Reads the body of a request. `host` is kept with it, for a table of hosts. */
export function parseApiData(text: string, host: string | null): ApiData | RouteProblem {
  const depth = depthOf(text);
  if (depth > deepest) return { problem: `the body is ${depth} levels deep, at most ${deepest} may be` };
  const value = parsed(text);
  if (value === undefined) return { problem: 'the body is not valid JSON' };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return noTarget;
  const { target, last_activity: _, ...fields } = value as Record<string, unknown>;
  if (typeof target !== 'string') return noTarget;
  if (host !== null) fields.host = host;
  const members = JSON.stringify(fields).slice(1, -1);
  // Joined, they are one string; a template's would be a tree of strings for as long as the route is there.
  const more = members === '' ? '' : [',', members].join('');
  if (more.length > longest)
    return { problem: `the route holds ${more.length} characters of data, at most ${longest} may be` };
  const kind = kinds.find(([key]) => Object.hasOwn(fields, key))?.[1] ?? 'other';
  return { target, kind, more };
}

const noTarget: RouteProblem = { problem: "the body must be an object with 'target' as a string" };

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How deep JSON is nested: found before it is parsed, because writing what is too deep would end in an exception. */
function depthOf(text: string): number {
  let depth = 0;
  let most = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === 0x5c) i++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) most = Math.max(most, ++depth);
    else if (char === 0x7d || char === 0x5d) depth--;
  }
  return most;
}
