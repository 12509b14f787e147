/**
 * An identity provider of its own process, as far as `jwt` needs one: it signs tokens, gives its public keys, changes
 * them, and misbehaves on demand. `PORT [CERT KEY]` are its arguments; with a certificate it speaks TLS.
 *
 *   GET /keys            its key set, or what /behave says
 *   GET /token?key=N     a token that its N-th key has signed
 *   POST /rotate?keep=N  another key; of those before it the last N stay in the set
 *   POST /behave?as=X    well, slow, large, redirect or broken
 *   GET /count           how often it was asked for its keys, and for what a redirect leads to
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';

/** What tokens say of who has made them and for whom. */
export const issuer = 'https://id.example.org';
export const audience = 'panel';

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const keys: Key[] = [];
let kept = 1;
let behaviour = 'well';
const count = { keys: 0, elsewhere: 0 };

function addKey(): void {
  // Each process has others: one that comes back has lost its keys.
  keys.push({ kid: `${process.pid}-${keys.length}`, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) });
}

function keySet(): string {
  return JSON.stringify({
    keys: keys.slice(-kept).map(({ kid, publicKey }) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' })),
  });
}

function tokenOf({ kid, privateKey }: Key): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const text = `${part({ alg: 'ES256', kid })}.${part({ iss: issuer, aud: audience, sub: 'ann', exp })}`;
  return `${text}.${sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const answer: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://issuer');
  const json = (text: string) => response.setHeader('Content-Type', 'application/json').end(text);
  switch (`${request.method} ${pathname}`) {
    case 'GET /keys':
      count.keys++;
      if (behaviour === 'redirect') response.writeHead(302, { Location: '/elsewhere' }).end();
      else if (behaviour === 'broken') response.writeHead(500).end();
      else if (behaviour === 'slow') setTimeout(() => json(keySet()), 60_000).unref();
      else if (behaviour === 'large') json(keySet().replace('{', `{"padding":"${'x'.repeat(2 ** 20)}",`));
      else json(keySet());
      break;
    case 'GET /elsewhere':
      count.elsewhere++;
      json(keySet());
      break;
    case 'GET /token':
      response.end(tokenOf(keys.at(Number(searchParams.get('key')))!));
      break;
    case 'POST /rotate':
      addKey();
      kept = Number(searchParams.get('keep')) + 1;
      response.end();
      break;
    case 'POST /behave':
      behaviour = searchParams.get('as')!;
      response.end();
      break;
    case 'GET /count':
      json(JSON.stringify(count));
      break;
    default:
      response.writeHead(404).end();
  }
};

if (import.meta.main) {
  const [port, cert, key] = process.argv.slice(2);
  addKey();
  const server =
    cert === undefined
      ? createHttp(answer)
      : createHttps({ cert: readFileSync(cert), key: readFileSync(key!) }, answer);
  server.listen(Number(port), '127.0.0.1');
}
