/**
 * A sign-in as people run it: oauth2-proxy, its sessions in Redis, and an identity provider that signs everybody in
 * as one user.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { root, scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';

/** Who everybody is. */
export const signedInUser = 'jane.doe';

interface Provider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const program = (name: string) => join(root, '.cache/auth/bin', name);

/** A running sign-in in front of a public address; `await using` stops it. */
export class SignIn {
  readonly port: number;
  /** How often it has been asked about a request, but for its own pages. */
  asked = 0;
  readonly #stack: AsyncDisposableStack;
  #mark: { readonly path: string; readonly seen: () => void } | null = null;

  private constructor(port: number, stack: AsyncDisposableStack) {
    this.port = port;
    this.#stack = stack;
  }

  /** `publicUrl` is where browsers come from and go back to. */
  static async start(publicUrl: string): Promise<SignIn> {
    const stack = new AsyncDisposableStack();
    const redisPort = await freePort();
    const redis = await startRedis(redisPort);
    stack.use(redis);
    const found: { provider: Provider | null } = { provider: null };
    const provider = await ServerProcess.start({
      name: 'provider',
      command: program('provider'),
      args: [],
      ready: async () => found.provider !== null,
      onLine: (line) => {
        if (line.startsWith('{')) found.provider = JSON.parse(line) as Provider;
      },
    });
    stack.use(provider);
    const { issuer, clientId, clientSecret } = found.provider!;
    const port = await freePort();
    const signIn = new SignIn(port, stack);
    const proxy = await ServerProcess.start({
      name: 'oauth2-proxy',
      command: program('oauth2-proxy'),
      args: [
        `--http-address=127.0.0.1:${port}`,
        ...['--upstream=static://202', '--reverse-proxy', '--set-xauthrequest', '--skip-provider-button'],
        ...['--skip-auth-preflight', '--skip-auth-route=GET=^/open/'],
        ...[
          '--provider=oidc',
          `--oidc-issuer-url=${issuer}`,
          `--client-id=${clientId}`,
          `--client-secret=${clientSecret}`,
        ],
        ...['--email-domain=*', '--insecure-oidc-allow-unverified-email', '--code-challenge-method=S256'],
        `--redirect-url=${publicUrl}/oauth2/callback`,
        `--whitelist-domain=${new URL(publicUrl).host}`,
        ...['--cookie-secure=false', `--cookie-secret=${randomBytes(16).toString('hex')}`],
        ...['--session-store-type=redis', `--redis-connection-url=redis://127.0.0.1:${redisPort}`],
      ],
      ready: answers(`http://127.0.0.1:${port}/ping`),
      onLine: (line) => {
        if (signIn.#mark !== null && line.includes(signIn.#mark.path)) signIn.#mark.seen();
        else if (/ (?:202|302) /.test(line) && !/\/oauth2\/|\/ping/.test(line)) signIn.asked++;
      },
    });
    stack.use(proxy);
    return signIn;
  }

  /** Resolves when all questions until now have been counted. */
  async settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#mark = { path: `/settled-${randomBytes(8).toString('hex')}`, seen: resolve };
    await fetch(`http://127.0.0.1:${this.port}${this.#mark.path}`, { redirect: 'manual' });
    await promise;
    this.#mark = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function startRedis(port: number): Promise<ServerProcess> {
  let isReady = false;
  return ServerProcess.start({
    name: 'redis',
    command: 'redis-server',
    args: ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--dir', scratchDirectory('redis')],
    ready: async () => isReady,
    onLine: (line) => {
      if (line.includes('Ready to accept connections')) isReady = true;
    },
  });
}
