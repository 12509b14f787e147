/**
 * The schema of the file, made from the rows of the settings. Parsing, the JSON Schema and docs/configuration.md come
 * from it.
 */
import { z } from 'zod';
import { setting } from './kinds.ts';
import { ownSections, ownSettings } from './own-settings.ts';
import { routeSections, routeSettings } from './route-settings.ts';
import { type ParsedRoutesApi, routesApiSchema } from './routes-api-schema.ts';
import { keysOf } from './schema-keys.ts';
import { topSections, topSettings } from './top-settings.ts';

const shared = keysOf(routeSettings, routeSections);
const route = z.strictObject({ ...keysOf(ownSettings, ownSections), ...shared });

const routesApi = routesApiSchema(keysOf(ownSettings, ownSections), shared);

/** The file. */
export const configSchema = z
  .strictObject({
    ...keysOf(topSettings, topSections),
    defaults: setting(z.strictObject(shared), topSections.defaults!),
    routes_api: setting(routesApi, topSections.routes_api!),
    routes: setting(z.array(route).min(1), topSections.routes!),
  })
  .meta({ anyOf: [{ required: ['routes'] }, { required: ['routes_api'] }] });

/** The file's values, parsed but not yet resolved; each at its path. */
export interface ParsedConfig {
  readonly defaults?: object | undefined;
  readonly routes?: readonly object[] | undefined;
  readonly routes_api?: ParsedRoutesApi | undefined;
}
