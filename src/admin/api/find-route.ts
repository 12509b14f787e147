/** Where a path leads, among the routes of the file and those that a program has set: one look-up, as of a request. */
import { z } from 'zod';
import type { Route } from '../../config/types.ts';
import { hostOf } from '../../http/host.ts';
import type { ApiRoute } from '../../routes/api-routes.ts';
import type { FoundRoute } from '../../routes/table.ts';
import { type Answer, json, problem } from '../answer.ts';
import type { foundRouteSchema } from './schemas.ts';

/** A route as a look-up finds it. */
export interface RouteThere {
  readonly route: Route;
  /** What a program has set; `null` for a route of the file. */
  readonly hub: { readonly api: ApiRoute } | null;
}

export interface FindSource {
  /** Where a host and a path lead. */
  findRoute(host: string, path: string): FoundRoute<RouteThere>;
  /** Called before times of use are read. */
  noteActivity(): void;
}

const longestPath = 4096;

/** The query of `GET /api/routes/find`. */
export const findQuery = z.strictObject({
  path: z
    .string()
    .max(longestPath)
    .regex(/^\/[!-~]*$/, 'write a path as it stands in a request, such as /user/ann')
    .describe('As it stands in a request, escapes and all; what follows a question mark means nothing.'),
  host: z.string().max(256).default('localhost').describe('The name by which the client came.'),
});

/** Answers with the route that a request for the path would take. */
export function showRouteOf(source: FindSource, { path, host }: z.output<typeof findQuery>): Answer {
  const name = hostOf(host);
  if (name === null) {
    return problem(400, {
      code: 'bad_query',
      what: 'the query is wrong',
      remedy: 'host: write a name, such as apps.example',
    });
  }
  const found = source.findRoute(name, path.split('?', 1)[0]!);
  if (found === null) {
    const remedy = 'set a route for the path, or ask for another';
    return problem(404, { code: 'no_route', what: 'no route matches', remedy });
  }
  if ('between' in found) {
    const names = found.between.map((one) => (one === null ? 'none' : placeOf(one)));
    const what = `the path leads to ${names.join(' or to ')}, depending on who reads it, and is refused`;
    return problem(404, {
      code: 'ambiguous_path',
      what,
      remedy: 'ask without escaped or doubled slashes, dots and semicolons',
    });
  }
  source.noteActivity();
  return json(200, describe(found.route));
}

function describe({ route, hub }: RouteThere): z.infer<typeof foundRouteSchema> {
  const common = { name: route.name, metrics_route: route.label };
  if (hub === null) {
    const match = { hosts: [...route.hosts], path: route.path };
    return { ...common, set_by: 'file', match, upstream: route.upstream.href, last_activity: null };
  }
  const { key, hosts, target, lastActivity } = hub.api;
  // A key begins with its host.
  const segments = key.split('/').slice(1 + hosts.length);
  return {
    ...common,
    set_by: 'api',
    match: { hosts: [...hosts], path: `/${segments.join('/')}` },
    upstream: target.upstream.href + target.base,
    last_activity: new Date(lastActivity).toISOString(),
  };
}

function placeOf({ route, hub }: RouteThere): string {
  return hub === null ? route.name : hub.api.key;
}
