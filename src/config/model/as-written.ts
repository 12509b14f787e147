/**
 * The values of the file as they stand there, before anybody has looked whether they are right: for mistakes that no
 * single value shows.
 */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigPath } from '../language/errors.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** A mapping; an empty one in the place of anything else. */
export function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

/** A list; an empty one in the place of anything else. */
export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What has the keys of a route, and where it stands. */
export interface WrittenRoute {
  readonly at: ConfigPath;
  readonly route: Mapping;
}

/** All of them: the routes, and the templates from which the routes of a program take everything but their targets. */
export function writtenRoutes({ value }: ConfigDocument): readonly WrittenRoute[] {
  const { routes, routes_api: api } = mapping(value);
  const entriesAt = (list: unknown, ...at: ConfigPath): WrittenRoute[] =>
    listIn(list).map((route, i) => ({ at: [...at, i], route: mapping(route) }));
  return [...entriesAt(routes, 'routes'), ...entriesAt(mapping(api).templates, 'routes_api', 'templates')];
}
