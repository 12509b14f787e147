/**
 * The steps of admission, compiled for a route into one list in one order, and run over a visit. A step that can decide
 * at once returns its verdict. One that must ask another service returns a promise, and only then does anything wait.
 */
import type { Route } from '../config/types.ts';
import { validateHandshake } from '../websocket/validate.ts';
import { hostStep, methodStep, networkStep } from './access.ts';
import { takeSlot } from './caps.ts';
import { checkMemory, type MemoryState } from './memory.ts';
import { checkOrigin } from './origin.ts';
import { type Quotas, quotaStep } from './quotas.ts';
import { type RateParts, rateStep, userRateStep } from './rates.ts';
import type { Verdict } from './verdict.ts';
import type { Step, Visit, VisitKind } from './visit.ts';

/** What steps need of the gateway. */
export interface StepParts extends RateParts {
  /** What the buffers of all connections hold. */
  readonly memory: MemoryState;
  /** Whether the gateway shuts down, and opens no connection more. */
  readonly refusesHandshakes: () => boolean;
  /** Makes the step that asks who has come; `null` if the route lets everybody in. */
  readonly authenticate: (route: Route) => Step | null;
  /** What all pods count together; `null` where each counts alone. */
  readonly quotas: Quotas | null;
}

/** Makes the step of a phase for a route; `null` if the route has none. */
export type StepMaker = (route: Route, kind: VisitKind, parts: StepParts) => Step | null;

/** The phases in their order. What costs least and tells least comes first, and what is lent comes last. */
const phases: readonly (readonly [phase: string, make: StepMaker])[] = [
  ['drain', (_, kind, parts) => (kind === 'http' ? null : () => checkDrain(parts))],
  ['networks', networkStep],
  ['hosts', hostStep],
  ['methods', methodStep],
  ['handshake', (_, kind) => (kind === 'http' ? null : checkHandshake)],
  ['rates', rateStep],
  ['authentication', (route, _, { authenticate }) => authenticate(route)],
  ['origin', (route, kind) => (kind === 'http' ? null : (visit) => checkOrigin(visit.values('origin'), route))],
  // This stands behind the origin: a page of another site must not use up what a user may ask.
  ['user_rates', userRateStep],
  [
    'memory',
    (_, __, { memory }) =>
      () =>
        checkMemory(memory),
  ],
  ['caps', (_, kind) => (kind === 'http' ? null : takeSlot)],
  // Whoever is one too many here is asked about nowhere.
  ['quotas', quotaStep],
];

/** The names of the phases, in their order. */
export const phaseNames: readonly string[] = phases.map(([name]) => name);

/** The steps of a route for visits of one kind. */
export function compileSteps(route: Route, kind: VisitKind, parts: StepParts): readonly Step[] {
  return phases.flatMap(([, make]) => make(route, kind, parts) ?? []);
}

/**
 * Runs the steps until one refuses. If one waits, the visit's head is kept. Otherwise nothing is awaited. A step that
 * throws, which is a bug, is one that waits and fails: nobody throws into whoever read the head.
 */
export function admit(visit: Visit, steps: readonly Step[]): Verdict | Promise<Verdict> {
  for (let i = 0; i < steps.length; i++) {
    const verdict = tried(steps[i]!, visit);
    if (verdict === null) continue;
    if (!(verdict instanceof Promise)) return verdict;
    visit.keepHead();
    return goOn(visit, steps, i + 1, verdict);
  }
  return null;
}

function tried(step: Step, visit: Visit): Verdict | Promise<Verdict> {
  try {
    return step(visit);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function goOn(visit: Visit, steps: readonly Step[], next: number, pending: Promise<Verdict>): Promise<Verdict> {
  let verdict = await pending;
  for (let i = next; verdict === null && i < steps.length; i++) {
    // Nothing more is lent to a client that has left.
    if (visit.left) return { outcome: 'client_gone', detail: 'the client left' };
    const said = steps[i]!(visit);
    verdict = said instanceof Promise ? await said : said;
  }
  return verdict;
}

function checkDrain({ refusesHandshakes }: StepParts): Verdict {
  return refusesHandshakes() ? { outcome: 'draining', detail: '' } : null;
}

function checkHandshake(visit: Visit): Verdict {
  const ask = validateHandshake(visit);
  if ('outcome' in ask) return ask;
  visit.ask = ask;
  return null;
}
