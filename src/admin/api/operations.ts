/**
 * Every operation of the API, once. The endpoint that serves it and its description in the OpenAPI document are made
 * from the same value.
 */
import type { z } from 'zod';
import { connectionOutcomes } from '../../catalogue/outcomes.ts';
import { sourcesByRoute } from '../../config/model/resolved.ts';
import { labelledRoutes } from '../../config/types.ts';
import { cleanUser } from '../../observe/log/clean.ts';
import type { Crowd } from '../../relay/roster.ts';
import type { Session } from '../../relay/session.ts';
import { type Answer, json, problem } from '../answer.ts';
import type { AnsweringEndpoint, Ask } from '../router.ts';
import { type Lazy, lazily, slicedJson } from '../sliced-json.ts';
import { describeConfig } from './config.ts';
import { describeConnection, describeRow, thisMoment } from './connection.ts';
import { type DrainSource, describeDrain } from './drain.ts';
import { type FindSource, findQuery, showRouteOf } from './find-route.ts';
import { listingQuery, pageOf } from './listing.ts';
import { badQuery, parseQuery } from './query.ts';
import { describeRoutes, type RoutesSource } from './routes.ts';
import * as schemas from './schemas.ts';

/** What the API shows and changes. */
export interface ApiSource extends RoutesSource, FindSource {
  /** In the order in which they opened. */
  sessions(): Crowd<Session>;
  readonly drain: DrainSource;
  readonly build: { readonly version: string; readonly revision: string };
}

/** An operation, as the document tells of it. */
export interface Operation extends Omit<AnsweringEndpoint, 'access'> {
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  readonly query?: z.ZodObject;
  /** The answers it has of its own, by status; those that every operation may give are added. */
  readonly answers: Readonly<Record<number, { readonly schema: z.ZodType; readonly when: string }>>;
}

/** All operations but the one that tells of them. */
export function operations(source: ApiSource): Operation[] {
  return [
    {
      id: 'listRoutes',
      method: 'GET',
      path: '/api/routes',
      summary: 'Routes with their limits and what is open on them',
      description:
        'Each setting comes with its source: file and line, preset, `defaults`, or built in. A route that a reload has removed is ' +
        'listed while it has connections.',
      answers: { 200: { schema: schemas.routesSchema, when: 'All routes' } },
      answer: (ask) => slicedJson(ask, 200, describeRoutes(source)),
    },
    {
      id: 'findRoute',
      method: 'GET',
      path: '/api/routes/find',
      summary: 'The route that a request for a path would take',
      description:
        'Looked up as a request is, under every reading of the path, among the routes of the file and those that a program has ' +
        'set through `routes_api`, of which there may be too many to list. Nothing is sent to the backend.',
      query: findQuery,
      answers: {
        200: { schema: schemas.foundRouteSchema, when: 'The route' },
        400: { schema: schemas.problemSchema, when: 'The query is wrong' },
        404: { schema: schemas.problemSchema, when: 'There is none, or the path may be read as that of another route' },
      },
      answer: ({ query }) => {
        const asked = parseQuery(findQuery, query);
        return 'problems' in asked ? badQuery(asked.problems) : showRouteOf(source, asked);
      },
    },
    {
      id: 'listConnections',
      method: 'GET',
      path: '/api/connections',
      summary: 'A page of the open connections',
      description:
        'Filters hold together. Equals stand in the order in which they opened. Sorted by age, pages neither repeat nor miss a ' +
        'connection that stays open while others only open; with `asc`, or while connections end, and in the other sorts, ' +
        'whose keys change, a connection may move between two pages.',
      query: listingQuery,
      answers: {
        200: { schema: schemas.connectionsSchema, when: 'The page' },
        400: { schema: schemas.problemSchema, when: 'The query is wrong' },
      },
      answer: (ask) => listConnections(source, ask),
    },
    {
      id: 'showConnection',
      method: 'GET',
      path: '/api/connections/:id',
      summary: 'Everything about one connection',
      description: 'Both legs, what each sender sent, why it is paused, and the limits in force with their sources.',
      answers: { 200: { schema: schemas.connectionSchema, when: 'The connection' }, 404: noConnectionAnswer },
      answer: (ask) => withSession(source, ask, (session) => showConnection(source, session)),
    },
    {
      id: 'closeConnection',
      method: 'DELETE',
      path: '/api/connections/:id',
      summary: 'Closes one connection',
      description:
        `Orderly, at a message boundary; the client hears ${connectionOutcomes.operator.client} and may come back at once. A peer that takes ` +
        'nothing is reset after `max_pause` or `timeouts.close`; asked a second time, both peers are reset at once. The log line ' +
        'has the flag OP.',
      answers: { 202: { schema: schemas.closingSchema, when: 'It is ending' }, 404: noConnectionAnswer },
      answer: (ask) => withSession(source, ask, closeConnection),
    },
    {
      id: 'endUserConnections',
      method: 'DELETE',
      path: '/api/users/:name/connections',
      summary: 'Ends all connections of one user',
      description:
        `The user as the listing names it, percent-encoded. The client hears ${connectionOutcomes.revoked.client}, and may come back with ` +
        'credentials that are still good: put the name into `revoked_users` first. The log lines have the flag RV.',
      answers: {
        202: { schema: schemas.endedSchema, when: 'They are ending; there may have been none' },
        400: { schema: schemas.problemSchema, when: 'The name is not well encoded' },
      },
      answer: (ask) => endConnectionsOf(source, ask),
    },
    {
      id: 'showDrain',
      method: 'GET',
      path: '/api/drain',
      summary: 'How far a drain is',
      description: 'Whether the gateway is being taken away, the phase, and how connections ended so far.',
      answers: { 200: { schema: schemas.drainSchema, when: 'The state' } },
      answer: () => json(200, describeDrain(source.drain.state())),
    },
    {
      id: 'startDrain',
      method: 'POST',
      path: '/api/drain',
      summary: 'Takes the gateway away',
      description:
        'As SIGTERM does: /readyz says 503, connections are closed as the configuration says, and the process ends. There is no ' +
        'way back. Asking again changes nothing.',
      answers: { 202: { schema: schemas.drainSchema, when: 'It drains' } },
      answer: () => {
        source.drain.start();
        return json(202, describeDrain(source.drain.state()));
      },
    },
    {
      id: 'showConfig',
      method: 'GET',
      path: '/api/config',
      summary: 'The configuration in force',
      description:
        'What holds, where it comes from, and what is wrong with the files if they do not hold. Secrets are left out.',
      answers: { 200: { schema: schemas.configInForceSchema, when: 'The configuration' } },
      answer: (ask) => slicedJson(ask, 200, describeConfig(source.config())),
    },
    {
      id: 'showBuild',
      method: 'GET',
      path: '/api/build',
      summary: 'Which Sluice this is',
      description: 'Version, revision, Node, process and uptime.',
      answers: { 200: { schema: schemas.buildSchema, when: 'The build' } },
      answer: () => json(200, describeBuild(source.build)),
    },
  ];
}

const noConnectionAnswer = { schema: schemas.problemSchema, when: 'There is no such connection, or it is gone' };

function listConnections(source: ApiSource, ask: Ask): Answer | Promise<Answer> {
  const listing = parseQuery(listingQuery, ask.query);
  if ('problems' in listing) return badQuery(listing.problems);
  const moment = thisMoment();
  const sessions = source.sessions();
  const page = pageOf(sessions, listing, moment.now);
  const answer: Lazy<z.infer<typeof schemas.connectionsSchema>> = {
    total: sessions.size,
    matching: page.matching,
    offset: listing.offset,
    next_offset: page.nextOffset,
    connections: lazily(page.sessions, (session) => describeRow(session, moment)),
  };
  return slicedJson(ask, 200, answer);
}

function showConnection(source: ApiSource, session: Session): Answer {
  const { config, resolved } = source.config();
  const { route } = session;
  const inForce = labelledRoutes(config).includes(route);
  return json(200, describeConnection(session, thisMoment(), inForce, sourcesByRoute(resolved).get(route) ?? null));
}

function closeConnection(session: Session): Answer {
  const before = session.outcome?.reason ?? null;
  if (before === null) session.drain('operator');
  // Somebody who asks again does not want to wait for a peer that takes nothing.
  else if (before === 'operator') session.cut('operator');
  const { reason } = session.outcome!;
  const result = before === null ? 'closing' : before === 'operator' ? 'cut' : 'was_ending';
  const answer: z.infer<typeof schemas.closingSchema> = {
    id: session.id,
    result,
    reason,
    words: connectionOutcomes[reason].words,
  };
  return json(202, answer);
}

function endConnectionsOf(source: ApiSource, { params }: Ask): Answer {
  const name = decoded(params.name!);
  if (name === null) {
    const remedy = 'encode the name as encodeURIComponent does';
    return problem(400, { code: 'bad_name', what: 'the name in the path is not well percent-encoded', remedy });
  }
  const user = cleanUser(name);
  let ended = 0;
  for (const session of source.sessions()) {
    if (session.facts.user !== user) continue;
    if (session.end('revoked', 'an operator has ended the connections of this user')) ended++;
  }
  return json(202, { user, ended } satisfies z.infer<typeof schemas.endedSchema>);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/**
 * Finds a session by asking every connection for its id. Only people ask for one, and an index would cost each
 * connection.
 */
function withSession(source: ApiSource, { params }: Ask, show: (session: Session) => Answer): Answer {
  for (const session of source.sessions()) if (session.id === params.id) return show(session);
  const what = 'there is no open connection with this id';
  return problem(404, {
    code: 'no_connection',
    what,
    remedy: 'look for its end in the log (conn_id), or list those that are open',
  });
}

function describeBuild({ version, revision }: ApiSource['build']): z.infer<typeof schemas.buildSchema> {
  const uptimeMs = process.uptime() * 1000;
  return {
    version,
    revision,
    node: process.versions.node,
    pid: process.pid,
    started_at: new Date(Date.now() - uptimeMs).toISOString(),
    uptime_s: Math.round(uptimeMs) / 1000,
  };
}
