/** The step of admission that counts connections: by route, by address and by user. */
import { type ConnectionSlot, Newcomer } from './slots.ts';
import type { Refused, Verdict } from './verdict.ts';
import type { Visit } from './visit.ts';

/**
 * How long a newcomer waits for a place, in milliseconds. A connection that is evicted is gone sooner; one that leaves
 * by itself may take longer.
 */
const longestWaitMs = 10_000;

/** Lends the visit a slot of its route, if there is one. */
export function takeSlot(visit: Visit): Verdict | Promise<Verdict> {
  const { route, slots } = visit.route;
  const taken = slots.take({ address: visit.subscriber, user: visit.countedUser }, route.connections);
  return taken instanceof Newcomer ? wait(visit, taken) : conclude(visit, taken);
}

async function wait(visit: Visit, newcomer: Newcomer): Promise<Verdict> {
  const giveUp = () => newcomer.giveUp();
  const timer = setTimeout(giveUp, longestWaitMs);
  visit.signal.addEventListener('abort', giveUp);
  const taken = await newcomer.slot;
  clearTimeout(timer);
  return conclude(visit, taken);
}

function conclude(visit: Visit, taken: ConnectionSlot | Refused): Verdict {
  if ('outcome' in taken) return taken;
  visit.lend(taken);
  visit.slot = taken;
  // Who has no name is never evicted.
  if (taken.claimant.user !== null) {
    visit.whenOpen((connection) => {
      taken.connection = connection;
      return null;
    });
  }
  return null;
}
