/** Tokens of an issuer that is a process of its own: its keys rotate, and it is slow, gone or wrong. */
import { writeFileSync } from 'node:fs';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, vi } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { cert, key, renewedCert } from '../../helpers/test-certificate.ts';
import { root, scratchDirectory } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { ServerProcess } from '../harness/server-process.ts';
import { type LogLine, Sluice } from '../harness/sluice.ts';
import { audience, issuer } from './issuer.ts';

/** A running issuer. */
class Issuer {
  readonly url: string;
  readonly #port: number;
  readonly #files: readonly string[];
  #process: ServerProcess | null = null;

  constructor(port: number, tls: boolean) {
    this.#port = port;
    this.url = `${tls ? 'https' : 'http'}://localhost:${port}`;
    this.#files = tls ? [file('tls.crt', cert), file('tls.key', key)] : [];
  }

  async start(): Promise<void> {
    this.#process = await ServerProcess.start({
      name: 'issuer',
      command: process.execPath,
      args: [join(root, 'test/real/auth/issuer.ts'), String(this.#port), ...this.#files],
      ready: () => this.ask('GET', '/count').then(() => true),
    });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  ask(method: 'GET' | 'POST', path: string): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const request = this.url.startsWith('https') ? requestHttps : requestHttp;
    const options = {
      host: '127.0.0.1',
      port: this.#port,
      method,
      path,
      servername: 'localhost',
      ca: cert,
      agent: false,
    };
    request(options, (response) => resolve(text(response)))
      .on('error', reject)
      .end();
    return promise;
  }

  /** A token of the n-th key, counted from the last where it is negative. */
  token(n: number): Promise<string> {
    return this.ask('GET', `/token?key=${n}`);
  }

  async asked(): Promise<{ readonly keys: number; readonly elsewhere: number }> {
    return JSON.parse(await this.ask('GET', '/count'));
  }
}

function file(name: string, content: string): string {
  const path = join(scratchDirectory('issuer'), name);
  writeFileSync(path, content);
  return path;
}

/** A Sluice that lets in who has a token of an issuer; keys are fresh for a second. */
async function stand({ tls = false, ca = cert } = {}) {
  const provider = new Issuer(await freePort(), tls);
  const upstream = await fakeUpstream({
    answer: () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
  });
  const jwt = {
    issuer,
    audience: [audience],
    algorithms: ['ES256'],
    jwks: `${provider.url}/keys`,
    cache: '1s',
    ...(tls ? { ca: file('ca.crt', ca) } : {}),
  };
  const sluice = await Sluice.start({
    routes: [{ name: 'panel', upstream: `http://127.0.0.1:${upstream.port}`, auth: [{ jwt }] }],
  });
  /** The status that a token gets. */
  const status = async (token: string) => {
    const answer = await fetch(sluice.url, { headers: { authorization: `Bearer ${token}`, connection: 'close' } });
    await answer.body?.cancel();
    return answer.status;
  };
  /** Asks with a token, again and again, until it gets that status. */
  const until = (token: string, wanted: number) =>
    vi.waitFor(async () => expect(await status(token)).toBe(wanted), { interval: 500, timeout: 100_000 });
  const end = async () => {
    await sluice.stop();
    await provider.stop();
    await upstream[Symbol.asyncDispose]();
  };
  return { provider, sluice, status, until, [Symbol.asyncDispose]: end };
}

/** The line that says why the keys could not be had; throws where there is none. */
function found(sluice: Sluice, problem: string): LogLine {
  const line = sluice.log.find((one) => one.event === 'auth_keys_failed' && String(one.problem).includes(problem));
  if (line === undefined) throw new Error(`the log does not say ${problem}`);
  return line;
}

describe.concurrent('an issuer of tokens', { timeout: 240_000 }, () => {
  it('rotates its keys: those of both are good, and then those of the new one alone', async () => {
    await using all = await stand({ tls: true });
    const { provider, sluice, status, until } = all;
    await provider.start();
    const old = await provider.token(0);
    const since = performance.now();
    /** However often it may have been asked by now: once in half a minute. */
    const most = () => 1 + Math.floor((performance.now() - since) / 30_000);
    expect(await status(old)).toBe(200);
    await provider.ask('POST', '/rotate?keep=1');
    const renewed = await provider.token(1);
    // Too early to ask again, whoever invents keys.
    expect(await status(renewed)).toBe(401);
    const invented = renewed.replace(/^[^.]+/, Buffer.from('{"alg":"ES256","kid":"mine"}').toString('base64url'));
    for (let i = 0; i < 15; i++) expect(await status(invented)).toBe(401);
    expect((await provider.asked()).keys).toBeLessThanOrEqual(most());
    await until(renewed, 200);
    expect(await status(old)).toBe(200);
    expect((await provider.asked()).keys).toBeLessThanOrEqual(most());
    await provider.ask('POST', '/rotate?keep=1');
    await until(old, 401);
    expect(await status(renewed)).toBe(200);
    expect(await status(await provider.token(2))).toBe(200);
    expect((await provider.asked()).keys).toBeLessThanOrEqual(most());
    expect(await sluice.metric('auth_total', { kind: 'jwt', result: 'key' })).toBeGreaterThanOrEqual(17);
  });

  it('is gone: its keys stay good, and when it is back its new ones are', async () => {
    await using all = await stand();
    const { provider, sluice, status, until } = all;
    await provider.start();
    const old = await provider.token(0);
    expect(await status(old)).toBe(200);
    await provider.stop();
    const seen = new Set<number>();
    const failed = await vi.waitFor(
      async () => {
        seen.add(await status(old));
        return found(sluice, 'ECONNREFUSED');
      },
      { interval: 500, timeout: 100_000 },
    );
    expect(failed).toMatchObject({ issuer });
    expect([...seen]).toEqual([200]);
    expect(await status(old)).toBe(200);
    await provider.start();
    const renewed = await provider.token(0);
    await until(renewed, 200);
    expect(await status(old)).toBe(401);
  });

  it('is slow, sends too much, elsewhere or errors at first: nobody comes in, and nobody else is asked', async () => {
    await using all = await stand({ tls: true });
    const { provider, sluice, status, until } = all;
    await provider.start();
    const token = await provider.token(0);
    const seen = new Set<number>();
    for (const [as, problem] of [
      ['slow', 'no answer in 5000 ms'],
      ['large', 'longer than 524288 bytes'],
      ['redirect', 'the answer is 302'],
      ['broken', 'the answer is 500'],
    ] as const) {
      await provider.ask('POST', `/behave?as=${as}`);
      await vi.waitFor(
        async () => {
          seen.add(await status(token));
          return found(sluice, problem);
        },
        { interval: 500, timeout: 60_000 },
      );
    }
    expect([...seen]).toEqual([503]);
    expect((await provider.asked()).elsewhere).toBe(0);
    await provider.ask('POST', '/behave?as=well');
    await until(token, 200);
    expect(await sluice.metric('auth_total', { kind: 'jwt', result: 'unavailable' })).toBeGreaterThanOrEqual(4);
  });

  it('is another one than its authority vouches for: nobody comes in', async () => {
    await using all = await stand({ tls: true, ca: renewedCert });
    const { provider, sluice, status } = all;
    await provider.start();
    expect(await status(await provider.token(0))).toBe(503);
    expect(await sluice.logged({ event: 'auth_keys_failed' })).toMatchObject({ issuer });
    expect((await provider.asked()).keys).toBe(0);
  });
});
