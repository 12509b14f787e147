/** The OpenAPI document of the API, from the operations and the schemas of their answers. */
import { z } from 'zod';
import { adminOutcomes } from '../../catalogue/outcomes.ts';
import { type ApiSource, type Operation, operations } from './operations.ts';
import { problemSchema } from './schemas.ts';

type Json = Record<string, unknown>;

/** Where the document itself is served. */
export const documentPath = '/api/openapi.json';

/** The document. It is the same for every gateway of one version: nothing of `source` is read. */
export function openApiDocument(version: string): Json {
  const schemas = collectSchemas();
  const paths: Record<string, Json> = {};
  // No handler is called.
  for (const operation of operations({} as ApiSource)) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  paths[documentPath] = {
    get: {
      operationId: 'showDocument',
      summary: 'This document',
      responses: { 200: { description: 'An OpenAPI document', content: jsonOf({ type: 'object' }) }, ...refusals() },
    },
  };
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sluice admin API',
      version,
      description:
        'Shows what a Sluice does, and takes the two actions that an operator may need: closing one connection, and draining the ' +
        'process. Times in names ending in `_ms` and `_s` are milliseconds and seconds; sizes are bytes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:9090', description: 'The default of admin.address' }],
    // A token is asked for where admin.token_file is set, and only there.
    security: [{ token: [] }, {}],
    paths,
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'The token of `admin.token_file`, where one is set.' },
      },
    },
  };
}

/** The text of docs/openapi.json. */
export function openApiText(version: string): string {
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}

function describe({ id, path, summary, description, query, answers }: Operation): Json {
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: 'path', required: true, schema: { type: 'string' } },
    })),
    ...(query === undefined ? [] : queryParameters(query)),
  ];
  const own = Object.entries(answers).map(([status, { schema, when }]) => [
    status,
    { description: when, content: jsonOf({ $ref: refOf(nameOf(schema)) }) },
  ]);
  return {
    operationId: id,
    summary,
    description,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { ...Object.fromEntries(own), ...refusals() },
  };
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' }) as {
    properties: Record<string, Json>;
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', description, schema },
  }));
}

/** What every operation may answer. */
function refusals(): Json {
  const byStatus = Map.groupBy(Object.values(adminOutcomes), ({ status }) => status);
  const content = jsonOf({ $ref: refOf(nameOf(problemSchema)) });
  return Object.fromEntries(
    [...byStatus].map(([status, rows]) => [
      status,
      { description: rows.map(({ words }) => words).join('; or '), content },
    ]),
  );
}

/** Every schema that has a name, once. */
function collectSchemas(): unknown {
  const answers = operations({} as ApiSource).flatMap((operation) => Object.values(operation.answers));
  const all = z.object(Object.fromEntries(answers.map(({ schema }) => [nameOf(schema), schema])));
  // The named schemas come out as definitions of the whole; here they stand elsewhere.
  const { $defs } = z.toJSONSchema(all, {
    io: 'output',
    // A later version may say more, and a client shall not break then.
    override: ({ jsonSchema }) => void delete jsonSchema.additionalProperties,
  });
  return JSON.parse(JSON.stringify($defs).replaceAll('"#/$defs/', `"${refOf('')}`));
}

function nameOf(schema: z.ZodType): string {
  return z.globalRegistry.get(schema)!.id!;
}

function refOf(id: string): string {
  return `#/components/schemas/${id}`;
}

function jsonOf(schema: Json): Json {
  return { 'application/json': { schema } };
}
