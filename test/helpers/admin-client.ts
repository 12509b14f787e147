/** Asks the admin port, with any headers, and checks each answer against the API's own document. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openApiDocument } from '../../src/admin/api/openapi.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests check its shape against the document
  readonly json: any;
}

type Json = Record<string, unknown>;

const document = openApiDocument('0.0.0');
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } });
// Clients may meet more than is documented; tests may not.
ajv.addSchema(closed(document) as Json, 'api');

/** Every object of a schema that names its properties has no others. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, closed(part)]));
  return 'properties' in value && 'type' in value ? { ...inner, additionalProperties: false } : inner;
}

/** What is wrong with an answer by the document; empty for nothing. */
export function breaches(method: string, path: string, status: number, json: unknown): string[] {
  const paths = document.paths as Record<string, Record<string, { responses: Json }>>;
  const known = path.split('?')[0]!.replace(/^\/api\/connections\/.+/, '/api/connections/{id}');
  const operation = paths[known]?.[method.toLowerCase().replace('head', 'get')];
  // What the server says of requests that are for no operation.
  if (operation === undefined && [403, 404, 405].includes(status)) return [];
  if (operation === undefined) return [`${method} ${known} is not documented`];
  if (!(status in operation.responses)) return [`${method} ${known}: ${status} is not documented`];
  const at = [
    'paths',
    known,
    method.toLowerCase(),
    'responses',
    String(status),
    'content',
    'application/json',
    'schema',
  ];
  const pointer = at.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const validate = ajv.getSchema(`api#/${pointer}`)!;
  validate(json);
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${method} ${path} ${status} ${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** Sends a request; `headers` replaces `Host` too. Where the document knows the operation, its answer must fit. */
export async function askAdmin(
  port: number,
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<ApiAnswer> {
  const req = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end();
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  const body = await text(res);
  const json = res.headers['content-type']?.startsWith('application/json') && body !== '' ? JSON.parse(body) : null;
  const undocumented = json === null ? [] : breaches(method, path, res.statusCode!, json);
  if (undocumented.length > 0) throw new Error(undocumented.join('\n'));
  return { status: res.statusCode!, headers: res.headers, text: body, json };
}
