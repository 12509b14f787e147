/** The section `routes_api` of the file. */
import { z } from 'zod';
import { setting } from './kinds.ts';
import { routesApiSections, routesApiSettings, templateSettings } from './routes-api-settings.ts';
import { keysOf } from './schema-keys.ts';

type Keys = Record<string, z.ZodType>;

/** What a template has of a route's own keys: all but what says which requests are its, and where they go. */
function ofTemplate({ match: _, upstream: __, name: ___, ...own }: Keys): Keys {
  return own;
}

/** The section, with templates that have a route's `own` and `shared` keys. */
export function routesApiSchema(own: Keys, shared: Keys) {
  const template = z.strictObject({ ...keysOf(templateSettings, {}), ...ofTemplate(own), ...shared });
  return z.strictObject({
    ...keysOf(routesApiSettings, routesApiSections),
    templates: setting(
      z.array(template).min(1),
      "Limits, caps and metric labels of the routes, which have none of their own: those of JupyterHub itself, of its users' servers, of the rooms in them.",
    ),
  });
}

/** The section, parsed; its values stand at their paths. */
export interface ParsedRoutesApi {
  readonly templates?: readonly object[] | undefined;
}
