/** Where a token stands in a request: in a header, a cookie, a subprotocol or the query. */
import type { TokenPlace } from '../../../config/types.ts';
import { foldName } from '../../../http/fields.ts';
import { queryOf } from '../../../http/query.ts';
import { valuesOf } from '../../../http/raw-fields.ts';
import type { Edits } from '../edits.ts';
import { authorizationOf, cookiesOf, subprotocolsOf } from '../fields.ts';
import type { AuthRequest } from '../types.ts';

/** How Kubernetes' API takes a token from a browser, which can set no header of a handshake. */
const kubernetes = 'base64url.bearer.authorization.';
/** A pair of subprotocols: this word, and the token. */
export const announced = 'access_token';

/**
 * A token that stands in several places, as a page and its cookie bring it, stands there so often at most. A head has
 * room for 20 000.
 */
const mostTimes = 16;

/** The one token that stands in the places, once or more often. */
export function tokenIn(
  places: readonly TokenPlace[],
  request: AuthRequest,
): { readonly token: string } | 'none' | 'several' {
  let found: string | null = null;
  let times = 0;
  for (const place of places) {
    for (const token of tokensAt(place, request)) {
      found ??= token;
      // Which of them the backend would read is not known, and what is not looked at may be another one.
      if (token !== found || ++times > mostTimes) return 'several';
    }
  }
  return found === null ? 'none' : { token: found };
}

function tokensAt(place: TokenPlace, { headers, target }: AuthRequest): Iterable<string> {
  switch (place.in) {
    case 'authorization':
      return authorizationOf(headers, 'bearer');
    case 'header':
      return valuesOf(headers, place.name).map(bare);
    case 'cookie':
      return bareOnes(cookiesOf(headers, place.name));
    case 'query':
      return bareOnes(queryOf(target, place.name));
    case 'subprotocol':
      return subprotocolTokens(headers).map(({ token }) => token);
  }
}

/** Some write it as in `Authorization` wherever it stands (Litestar, FastAPI's examples), or encode the blank. */
function bare(token: string): string {
  return token.replace(/^bearer(?: |%20)+/i, '').trim();
}

function* bareOnes(tokens: Iterable<string>): Generator<string, void> {
  for (const token of tokens) yield bare(token);
}

/** What goes on without the tokens. */
export function withoutTokens(places: readonly TokenPlace[], { headers }: AuthRequest): Edits {
  const lines = places.flatMap((place) => {
    if (place.in === 'authorization') return ['authorization'];
    return place.in === 'header' ? [foldName(place.name)] : [];
  });
  const named = (kind: 'cookie' | 'query') => places.flatMap((place) => (place.in === kind ? [place.name] : []));
  const subprotocols = places.some((place) => place.in === 'subprotocol')
    ? subprotocolTokens(headers).flatMap(({ offered }) => offered)
    : [];
  return {
    lines: new Set(lines),
    cookies: new Set(named('cookie')),
    parameters: new Set(named('query')),
    subprotocols: new Set(subprotocols),
    added: [],
  };
}

interface OfferedToken {
  readonly token: string;
  /** The subprotocols that carry it. */
  readonly offered: readonly string[];
}

function subprotocolTokens(headers: AuthRequest['headers']): OfferedToken[] {
  const offered = subprotocolsOf(headers);
  return offered.flatMap((element, i): OfferedToken[] => {
    if (element === announced && offered[i + 1] !== undefined) {
      return [{ token: offered[i + 1]!, offered: [element, offered[i + 1]!] }];
    }
    if (!element.startsWith(kubernetes)) return [];
    // What is encoded so holds no dot; before it stands whose convention this is, `k8s.io`.
    const encoded = element.slice(element.lastIndexOf('.') + 1);
    return [{ token: Buffer.from(encoded, 'base64url').toString('latin1'), offered: [element] }];
  });
}
