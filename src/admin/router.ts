/** Which endpoint a request of the admin port is for. Endpoints are values; the server serves the ones it is given. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, problem } from './answer.ts';

/** A request, as an endpoint gets it. */
export interface Ask {
  readonly req: IncomingMessage;
  /** What stands in the place of each `:name` of the endpoint's path, not decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

interface Place {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Segments as they come in a request; `:name` takes any one. */
  readonly path: string;
  /** `open` to everybody who reaches the port (probes, scrapers, the page's files), or to operators alone. */
  readonly access: 'open' | 'operator';
}

/** An endpoint that answers at once. A GET answers HEAD too. */
export interface AnsweringEndpoint extends Place {
  answer(ask: Ask): Answer | Promise<Answer>;
}

/**
 * An endpoint that writes the answer itself, for as long as it likes, such as server-sent events. `strictHeaders` are
 * set already and may be replaced. The server closes such connections when it stops; `res` says `close` when the
 * client goes. A browser's EventSource cannot send a token, so a page reads such an answer with `fetch`.
 */
export interface StreamingEndpoint extends Place {
  /** Whether it answers HEAD too. */
  readonly head?: true;
  stream(ask: Ask, res: ServerResponse): void | Promise<void>;
}

export type AdminEndpoint = AnsweringEndpoint | StreamingEndpoint;

/** An endpoint with what its path took from the request's, or the answer where there is none. */
export type FoundEndpoint = { readonly endpoint: AdminEndpoint; readonly ask: Ask } | { readonly refused: Answer };

interface Compiled {
  readonly endpoint: AdminEndpoint;
  readonly segments: readonly string[];
}

export class Router {
  readonly #compiled: readonly Compiled[];
  readonly #paths: string;

  constructor(endpoints: readonly AdminEndpoint[]) {
    this.#compiled = endpoints.map((endpoint) => ({ endpoint, segments: endpoint.path.split('/') }));
    // The page brings its own files, and nobody else asks for them.
    const asked = endpoints.map(({ path }) => path).filter((path) => !/^\/[^/]+\.[a-z]+$/.test(path));
    this.#paths = [...new Set(asked)].join(', ');
  }

  /** Finds the endpoint by path, then by method. */
  find(req: IncomingMessage): FoundEndpoint {
    const [path = '', query = ''] = split(req.url ?? '');
    const segments = path.split('/');
    const here = this.#compiled.filter((compiled) => matches(compiled.segments, segments));
    if (here.length === 0) return { refused: notFound(this.#paths) };
    const match = here.find(({ endpoint }) => methodsOf(endpoint).includes(req.method ?? ''));
    if (!match) return { refused: wrongMethod([...new Set(here.flatMap(({ endpoint }) => methodsOf(endpoint)))]) };
    const params = Object.fromEntries(
      match.segments.flatMap((segment, i) => (segment.startsWith(':') ? [[segment.slice(1), segments[i]!]] : [])),
    );
    return { endpoint: match.endpoint, ask: { req, params, query: new URLSearchParams(query) } };
  }
}

function split(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, i) => (part.startsWith(':') ? segments[i] !== '' : part === segments[i]))
  );
}

function methodsOf(endpoint: AdminEndpoint): string[] {
  // Nothing of an endless stream can be told without beginning it.
  return endpoint.method === 'GET' && ('answer' in endpoint || endpoint.head) ? ['GET', 'HEAD'] : [endpoint.method];
}

function notFound(paths: string): Answer {
  return problem(404, { code: 'not_found', what: 'there is nothing at this path', remedy: `ask for one of ${paths}` });
}

function wrongMethod(methods: readonly string[]): Answer {
  const allow = methods.join(', ');
  const what = 'the path does not take this method';
  return problem(405, { code: 'method_not_allowed', what, remedy: `use ${allow}` }, { Allow: allow });
}
