/**
 * Which connections a listing shows. Nothing is kept between two requests. Filters and the sort read each connection
 * once, when somebody asks, and only the page that is asked for is described.
 */
import { z } from 'zod';
import type { Session } from '../../relay/session.ts';
import { pausedMs } from './connection.ts';

const longestPage = 500;
const longestText = 256;
const text = z.string().max(longestText);

/** A whole number as it stands in a query. */
const whole = (least: number, most: number, otherwise: number, description: string) =>
  z
    .string()
    .transform((value, context) => {
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      context.addIssue({ code: 'custom', message: `write a whole number from ${least} to ${most}` });
      return z.NEVER;
    })
    .default(otherwise)
    .meta({ type: 'integer', minimum: least, maximum: most, default: otherwise, description });

/** The query of `GET /api/connections`. */
export const listingQuery = z.strictObject({
  sort: z
    .enum(['age', 'buffered', 'paused', 'bytes'])
    .default('age')
    .describe(
      '`age`: the oldest first. `buffered`: the fullest first. `paused`: those that are paused now first, then the longest ' +
        'in all. `bytes`: the most payload, both directions, first.',
    ),
  order: z.enum(['desc', 'asc']).default('desc').describe('`asc` turns the sort around.'),
  route: text.optional().describe("The route's name; those that its preset brought count to it."),
  address: text.optional().describe("The client's whole address."),
  user: text.optional().describe('The whole name of a user.'),
  search: text.optional().describe('A part of address, user, host, path or id, in any case.'),
  limit: whole(1, longestPage, 50, 'How many at most.'),
  offset: whole(0, 999_999_999, 0, 'How many to leave out: the `next_offset` of the page before.'),
});

export type Listing = z.output<typeof listingQuery>;

/** A page of connections. */
export interface Page {
  /** How many the filters let through. */
  readonly matching: number;
  readonly sessions: readonly Session[];
  /** Where the next page begins; `null` at the end. */
  readonly nextOffset: number | null;
}

/** Picks a page. `sessions` come in the order in which they opened, and equals stay in it. */
export function pageOf(sessions: Iterable<Session>, listing: Listing, now: number): Page {
  const { offset, limit, sort, order } = listing;
  const admit = filterOf(listing);
  const matching: Session[] = [];
  for (const session of sessions) if (admit(session)) matching.push(session);
  const sorted = sort === 'age' ? matching : sortBy(matching, (session) => keys[sort](session, now));
  if (order === 'asc') sorted.reverse();
  const end = offset + limit;
  return {
    matching: matching.length,
    sessions: sorted.slice(offset, end),
    nextOffset: end < matching.length ? end : null,
  };
}

function filterOf({ route, address, user, search }: Listing): (session: Session) => boolean {
  const wanted = search?.toLowerCase();
  return ({ id, route: { name, label }, facts }) =>
    (route === undefined || name === route || label === route) &&
    (address === undefined || facts.address === address) &&
    (user === undefined || facts.user === user) &&
    (wanted === undefined || [facts.address, facts.user, facts.host, facts.path, id].some((of) => has(of, wanted)));
}

function has(text: string | undefined, wanted: string): boolean {
  return text?.toLowerCase().includes(wanted) ?? false;
}

/** More milliseconds than any connection lives, so that senders that are paused now come before those that were. */
const beforeAll = 1e15;

const keys: Readonly<Record<Exclude<Listing['sort'], 'age'>, (session: Session, now: number) => number>> = {
  buffered: ({ client, upstream }) => client.inbound.bufferedBytes + upstream.inbound.bufferedBytes,
  paused({ client, upstream }, now) {
    const total = pausedMs(client.inbound, now) + pausedMs(upstream.inbound, now);
    return client.inbound.paused || upstream.inbound.paused ? beforeAll + total : total;
  },
  bytes: ({ client, upstream }) => client.inbound.record.payloadBytes + upstream.inbound.record.payloadBytes,
};

/** Sorts the largest first. Each key is read once: it changes all the time, and a sort must not see that. */
function sortBy(sessions: readonly Session[], keyOf: (session: Session) => number): Session[] {
  return sessions
    .map((session) => ({ session, key: keyOf(session) }))
    .sort((a, b) => b.key - a.key)
    .map(({ session }) => session);
}
