import { describe, expect, test } from 'vitest';
import { type Listing, listingQuery, pageOf } from '../../../../src/admin/api/listing.ts';
import { parseQuery } from '../../../../src/admin/api/query.ts';
import type { Session } from '../../../../src/relay/session.ts';

const parse = (query: string) => parseQuery(listingQuery, new URLSearchParams(query));
const problems = (query: string) => {
  const parsed = parse(query);
  return 'problems' in parsed ? parsed.problems : [];
};
const listing = (query = ''): Listing => {
  const parsed = parse(query);
  if ('problems' in parsed) throw new Error(parsed.problems.join());
  return parsed;
};

describe('a query', () => {
  test('that says nothing asks for the oldest fifty', () => {
    expect(listing()).toEqual({ sort: 'age', order: 'desc', limit: 50, offset: 0 });
  });

  test('may say everything', () => {
    expect(listing('sort=bytes&order=asc&route=r&address=::1&user=u&search=A%20b&limit=500&offset=999999999')).toEqual({
      ...{ sort: 'bytes', order: 'asc', route: 'r', address: '::1', user: 'u', search: 'A b' },
      ...{ limit: 500, offset: 999_999_999 },
    });
  });

  test.each([
    ['limit=0', 'limit: write a whole number from 1 to 500'],
    ['limit=501', 'limit: write a whole number from 1 to 500'],
    ['limit=', 'limit: write a whole number from 1 to 500'],
    ['limit=1e2', 'limit: write a whole number from 1 to 500'],
    ['offset=-1', 'offset: write a whole number from 0 to 999999999'],
    ['offset=1000000000', 'offset: write a whole number from 0 to 999999999'],
    ['sort=Age', 'sort: write one of age, buffered, paused, bytes'],
    ['order=up', 'order: write one of desc, asc'],
    ['sort=age&sort=bytes', 'sort is given twice; give it once'],
    [`search=${'x'.repeat(257)}`, 'search: write 256 characters at most'],
    ['q=x', 'there is no q; there are sort, order, route, address, user, search, limit, offset'],
    ['__proto__=x', 'there is no __proto__; there are sort, order, route, address, user, search, limit, offset'],
  ])('%s is refused', (query, words) => {
    expect(problems(query)).toEqual([words]);
  });
});

interface Fields {
  readonly id: string;
  readonly route?: string;
  readonly address?: string;
  readonly user?: string;
  readonly host?: string;
  readonly path?: string;
  readonly buffered?: readonly [number, number];
  readonly bytes?: readonly [number, number];
  /** Past pauses, and since when the present one lasts. */
  readonly paused?: readonly [totalMs: number, since: number | null];
}

/** A session as far as a listing reads it. */
function session({
  id,
  route = 'r',
  buffered = [0, 0],
  bytes = [0, 0],
  paused = [0, null],
  ...facts
}: Fields): Session {
  const leg = (i: 0 | 1, [totalMs, pausedAt]: readonly [number, number | null]) => ({
    inbound: {
      bufferedBytes: buffered[i],
      record: { payloadBytes: bytes[i] },
      paused: pausedAt !== null,
      pauses: { totalMs, pausedAt },
    },
  });
  return {
    id,
    route: { name: route, label: route.replace(/-rooms$/, '') },
    facts: { address: '10.0.0.1', host: 'h', path: '/', ...facts },
    client: leg(0, [0, null]),
    upstream: leg(1, paused),
  } as unknown as Session;
}

const idsOf = (sessions: Iterable<Session>, query: string, now = 1000) =>
  pageOf(sessions, listing(query), now).sessions.map(({ id }) => id);

describe('a page', () => {
  const all = [
    session({ id: 'a', buffered: [1, 5], bytes: [100, 0], paused: [900, null] }),
    session({ id: 'b', buffered: [9, 0], bytes: [1, 2], paused: [5, 990] }),
    session({ id: 'c', buffered: [3, 3], bytes: [99, 1] }),
    session({ id: 'd', paused: [0, 400] }),
  ];

  test.each([
    ['', 'abcd'],
    ['sort=age', 'abcd'],
    ['sort=age&order=asc', 'dcba'],
    // Equals stay in the order in which they opened.
    ['sort=buffered', 'bacd'],
    ['sort=bytes', 'acbd'],
    // Who is paused now comes first, the longest before the others.
    ['sort=paused', 'dbac'],
    ['sort=paused&order=asc', 'cabd'],
    ['limit=2', 'ab'],
    ['limit=2&offset=2', 'cd'],
    ['limit=2&offset=3', 'd'],
    ['offset=4', ''],
    ['offset=999999999', ''],
  ])('of %j is %s', (query, ids) => {
    expect(idsOf(all, query).join('')).toBe(ids);
  });

  test('says where the next begins, and how many there are', () => {
    const tell = (query: string) => {
      const { matching, nextOffset } = pageOf(all, listing(query), 0);
      return [matching, nextOffset];
    };
    expect(tell('limit=3')).toEqual([4, 3]);
    expect(tell('limit=3&offset=3')).toEqual([4, null]);
    expect(tell('limit=4')).toEqual([4, null]);
    expect(tell('offset=9')).toEqual([4, null]);
    expect(tell('route=none')).toEqual([0, null]);
  });

  test('does not disturb what it is taken from', () => {
    const set = new Set(all);
    idsOf(set, 'order=asc');
    expect([...set]).toEqual(all);
  });

  test('holds what every filter lets through', () => {
    const some = [
      session({ id: 'a', route: 'x', address: '10.0.0.1', host: 'Apps.Example.org', path: '/user/anna/lab' }),
      session({ id: 'b', route: 'x', address: '10.0.0.10', host: 'apps.example.org', path: '/user/bob', user: 'bob' }),
      session({ id: 'c', route: 'y', address: '10.0.0.1', host: 'hub', path: '/Anna' }),
    ];
    expect(idsOf(some, 'route=x')).toEqual(['a', 'b']);
    // Those that a preset brought count to their route, and can be asked for alone.
    const rooms = [...some, session({ id: 'd', route: 'x-rooms' })];
    expect(idsOf(rooms, 'route=x')).toEqual(['a', 'b', 'd']);
    expect(idsOf(rooms, 'route=x-rooms')).toEqual(['d']);
    expect(idsOf(some, 'address=10.0.0.1')).toEqual(['a', 'c']);
    expect(idsOf(some, 'user=bob')).toEqual(['b']);
    expect(idsOf(some, 'search=ANNA')).toEqual(['a', 'c']);
    expect(idsOf(some, 'search=apps.ex')).toEqual(['a', 'b']);
    expect(idsOf(some, 'search=0.10')).toEqual(['b']);
    expect(idsOf(some, 'search=BOB')).toEqual(['b']);
    expect(idsOf(some, 'search=nobody')).toEqual([]);
    expect(idsOf([...some, session({ id: 'c0ffee' })], 'search=c0ff')).toEqual(['c0ffee']);
    expect(idsOf(some, 'search=anna&route=x&address=10.0.0.1')).toEqual(['a']);
    // A part of an address or of a name is no address and no name.
    expect(idsOf(some, 'address=10.0.0')).toEqual([]);
    expect(idsOf(some, 'user=bo')).toEqual([]);
  });
});
