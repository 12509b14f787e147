/**
 * The authentication of all routes. Routes that ask for the same share an authenticator, and what that has found out
 * outlives a reload.
 */
import { type Auth, type Config, labelledRoutes, type Route, type ServiceTarget } from '../../config/types.ts';
import type { Log } from '../../observe/log/log.ts';
import type { MemoryLedger } from '../memory.ts';
import type { Step } from '../visit.ts';
import type { Asker } from './asker.ts';
import { Authenticator } from './authenticator.ts';
import { BasicJudge } from './basic/basic.ts';
import { Passwords } from './basic/passwords.ts';
import type { Users } from './basic/users.ts';
import { BearerJudge } from './bearer/bearer.ts';
import type { Tokens } from './bearer/tokens.ts';
import { ClientCertJudge } from './client-cert/client-cert.ts';
import { AuthFailures } from './failures.ts';
import { type AuthFile, authFilesOf, fileNames } from './files.ts';
import { ForwardJudge } from './forward/forward.ts';
import { HeaderJudge } from './header/header.ts';
import { JupyterHubJudge } from './jupyterhub/jupyterhub.ts';
import { JwtJudge, type KeySource } from './jwt/jwt.ts';
import type { KeySet } from './jwt/key-set.ts';
import { RemoteKeys } from './jwt/remote-keys.ts';
import { Lives } from './lives.ts';
import { authenticationStep } from './step.ts';
import type { Judge } from './types.ts';

/** Files that are read, and read again when they change. */
export interface AuthFileReader {
  /** Resolves with what is wrong with files that were not read before. */
  follow(wanted: readonly (AuthFile & { readonly changed: () => void })[]): Promise<readonly string[]>;
  /** What a file means now; `null` where it could never be used. */
  valueOf(name: string, path: string): unknown;
  close(): void;
}

/** What authentication takes from the process. */
export interface AuthenticationParts {
  readonly log: Log;
  readonly files: AuthFileReader;
  readonly asker: (service: ServiceTarget, timeoutMs: number) => Asker;
  readonly memory: MemoryLedger;
}

/** For the keys of an issuer. */
const keysTimeoutMs = 5000;
const now = () => performance.now();
const wallClock = () => Date.now();
const nobody: ReadonlySet<string> = new Set();

export class Authentication {
  readonly #parts: AuthenticationParts;
  readonly #failures = new AuthFailures(now);
  readonly #passwords = new Passwords();
  readonly #lives: Lives;
  #authenticators = new Map<string, Authenticator>();
  #revokedUsers: string | null = null;
  /** Of the configuration in force. */
  #named: readonly AuthFile[] = [];
  /** What holds until the list of users who are shut out has been read. */
  #shutOutBefore: ReadonlySet<string> = nobody;

  constructor(parts: AuthenticationParts) {
    this.#parts = parts;
    const isRevoked = (name: string) => this.#isRevoked(name);
    this.#lives = new Lives({ now, wallClock, chance: Math.random, isRevoked, memory: parts.memory });
  }

  /** Reads the files of a configuration beside those in use; resolves with what is wrong with them. */
  async prepare(config: Pick<Config, 'routes' | 'routesApi' | 'revokedUsers'>): Promise<readonly string[]> {
    const before = this.#named;
    const problems = await this.#read([...before, ...authFilesOf(config)]);
    if (problems.length > 0) await this.#read(before);
    return problems;
  }

  /** Takes another configuration; resolves with what is wrong with files that were not read before. */
  follow(config: Pick<Config, 'routes' | 'routesApi' | 'revokedUsers'>): Promise<readonly string[]> {
    this.#shutOutBefore = config.revokedUsers === null ? nobody : this.#shutOut;
    this.#revokedUsers = config.revokedUsers;
    // A list that was read before it was in force tells of no change any more.
    this.#lives.endRevoked();
    const kept = new Map<string, Authenticator>();
    for (const route of labelledRoutes(config)) {
      if (route.auth === null) continue;
      const key = keyOf(route);
      if (!kept.has(key)) kept.set(key, this.#authenticators.get(key) ?? this.#make(route, route.auth));
    }
    this.#authenticators = kept;
    this.#named = authFilesOf(config);
    return this.#read(this.#named);
  }

  /** The step of admission for a route; `null` where everybody is let in. */
  stepOf(route: Route): Step | null {
    if (route.auth === null) return null;
    const key = keyOf(route);
    // The route may be of a configuration before this one: a request that began under it is judged by its rules.
    const authenticator = this.#authenticators.get(key) ?? this.#make(route, route.auth);
    this.#authenticators.set(key, authenticator);
    return authenticationStep(authenticator, this.#lives);
  }

  close(): void {
    this.#parts.files.close();
    this.#passwords.close();
    this.#lives.close();
  }

  #read(files: readonly AuthFile[]): Promise<readonly string[]> {
    const changed = () => void this.#lives.endRevoked();
    return this.#parts.files.follow(files.map((file) => ({ ...file, changed })));
  }

  #isRevoked(name: string): boolean {
    return this.#shutOut.has(name);
  }

  get #shutOut(): ReadonlySet<string> {
    const path = this.#revokedUsers;
    if (path === null) return nobody;
    return (this.#parts.files.valueOf(fileNames.revoked, path) as ReadonlySet<string> | null) ?? this.#shutOutBefore;
  }

  #make({ identityHeaders }: Route, auth: readonly Auth[]): Authenticator {
    return new Authenticator({
      judges: auth.map((entry) => this.#judge(entry)),
      lines: identityHeaders,
      failures: this.#failures,
      isRevoked: (name) => this.#isRevoked(name),
    });
  }

  #judge(entry: Auth): Judge {
    const { files, asker } = this.#parts;
    switch (entry.kind) {
      case 'header':
        return new HeaderJudge(entry);
      case 'client_cert':
        return new ClientCertJudge({ ...entry, now: wallClock });
      case 'bearer':
        return new BearerJudge({
          tokens: () => files.valueOf(fileNames.bearer, entry.file) as Tokens | null,
          forward: entry.forward,
        });
      case 'basic':
        return new BasicJudge({
          users: () => files.valueOf(fileNames.basic, entry.file) as Users | null,
          compare: this.#passwords.compare,
          forward: entry.forward,
          now,
        });
      case 'jwt':
        return new JwtJudge({
          rules: entry,
          from: entry.from,
          keys: this.#keysOf(entry),
          forward: entry.forward,
          closesOnExpiry: entry.closesOnExpiry,
          now: wallClock,
          monotonic: now,
        });
      case 'jupyterhub':
        return new JupyterHubJudge({
          ...entry,
          ask: asker(entry.api, entry.timeoutMs),
          apiPath: entry.api.path,
          secret: () => files.valueOf(fileNames.hub, entry.tokenFile) as string | null,
          now: wallClock,
          monotonic: now,
        });
      case 'forward':
        return new ForwardJudge({
          ...entry,
          ask: asker(entry.service, entry.timeoutMs),
          path: entry.service.path,
          now,
        });
    }
  }

  #keysOf({ jwks, jwksFile, jwksMs, issuer }: Extract<Auth, { kind: 'jwt' }>): KeySource {
    const { files, asker, log } = this.#parts;
    if (jwks === null) {
      const read = () => files.valueOf(fileNames.jwks, jwksFile!) as KeySet | null;
      return { keys: read, newer: async () => null };
    }
    const fetched = (problem: string | null) => {
      if (problem === null) log.tell('auth_keys_loaded', { issuer });
      else log.tell('auth_keys_failed', { issuer, problem });
    };
    return new RemoteKeys({ ask: asker(jwks, keysTimeoutMs), path: jwks.path, freshMs: jwksMs, now, fetched });
  }
}

function keyOf({ auth, identityHeaders }: Route): string {
  return JSON.stringify([auth, identityHeaders]);
}
