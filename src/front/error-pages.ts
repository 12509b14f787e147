/**
 * Pages for 404 and 503 that another program writes: JupyterHub at its error URL, or files in a folder. Each is asked
 * for within bounds of time and size. If none comes, or a wrong one, Sluice's own answer stands.
 */
import { type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { RoutesApi } from '../config/types.ts';
import { readSmallFile } from '../files.ts';
import { coded, isCoded } from '../http/framing.ts';
import { boundInterim, tooMuchInterim } from '../http/interim.ts';

/** A status whose page may be somebody else's. */
export type PagedStatus = 404 | 503;

export interface ErrorPage {
  readonly type: string | null;
  readonly encoding: string | null;
  readonly body: Buffer;
}

/** JupyterHub's page has about 10 KB. */
const mostBytes = 1 << 20;
/** The most pieces of a page. Each is an event and an object, however small. A page of one-byte chunks is none. */
const mostPieces = 4096;
const mostMs = 2000;
/**
 * The most pages that are waited for at once. Everybody may be turned away at the same time; beyond these nobody waits.
 */
const mostAtOnce = 64;
const longestTarget = 8192;
const maxHeaderSize = 16 * 1024;

export interface ErrorPagesParts {
  /** Called each time that there is no page. */
  readonly failed: (detail: string) => void;
  /** Whether so many files and connections more may be opened although nobody makes room for them. */
  readonly spares: (more: number) => boolean;
  /** How TLS with an https target is verified. */
  readonly secure: () => Promise<ConnectionOptions>;
}

export class ErrorPages {
  readonly #source: NonNullable<RoutesApi['errors']>;
  readonly #parts: ErrorPagesParts;
  /** What the request targets begin with by which pages are asked for. */
  readonly #asks: readonly string[];
  #underWay = 0;

  constructor(source: NonNullable<RoutesApi['errors']>, parts: ErrorPagesParts) {
    this.#source = source;
    this.#parts = parts;
    const base = 'target' in source ? new URL(source.target).pathname.replace(/\/$/, '') : null;
    this.#asks = base === null ? [] : [404, 503].map((status) => `${base}/${status}?url=`);
  }

  /**
   * Returns the page for a request target that is answered with this status; `null` if there is none. Never rejects.
   */
  async page(status: PagedStatus, target: string): Promise<ErrorPage | null> {
    // Each page would ask for the next one, for ever.
    const path = target.replace(/^https?:\/\/[^/]*/i, '');
    if (this.#asks.some((ask) => path.startsWith(ask))) return this.#none('the error target leads back to Sluice');
    if (this.#underWay >= mostAtOnce) return this.#none(`${mostAtOnce} pages are being asked for already`);
    // Anybody asks for a page by asking for what is not there: it shall not take what others need.
    if (!this.#parts.spares(this.#underWay + 1)) return this.#none('the process may open no more files');
    this.#underWay++;
    try {
      return 'target' in this.#source ? await this.#ask(status, target) : await readPage(this.#source.folder, status);
    } catch (error) {
      return this.#none((error as Error).message);
    } finally {
      this.#underWay--;
    }
  }

  #none(why: string): null {
    this.#parts.failed(why);
    return null;
  }

  async #ask(status: PagedStatus, target: string): Promise<ErrorPage> {
    const { place, base, isSecure } = placeOf((this.#source as { readonly target: string }).target);
    const send = isSecure ? requestHttps : requestHttp;
    const secure = isSecure ? await this.#parts.secure() : {};
    const { promise, resolve, reject } = Promise.withResolvers<ErrorPage>();
    const req = send({
      ...place,
      path: `${base}/${status}?url=${encodeURIComponent(target.slice(0, longestTarget))}`,
      ...secure,
      agent: false,
      maxHeaderSize,
      headers: { accept: 'text/html', connection: 'close' },
    });
    const timer = setTimeout(() => req.destroy(new Error(`no page within ${mostMs} ms`)), mostMs);
    promise.catch(() => {}).finally(() => clearTimeout(timer));
    boundInterim(req, () => req.destroy(new Error(tooMuchInterim)));
    let isAnswered = false;
    // A 101 that nobody asked for ends the request without an error.
    req.on('close', () => {
      if (!isAnswered) reject(new Error('it closed without an answer'));
    });
    req.on('error', reject).on('response', (res) => {
      isAnswered = true;
      const { statusCode = 0, headers } = res;
      const parts: Buffer[] = [];
      let size = 0;
      const refuse = (why: string) => {
        reject(new Error(why));
        req.destroy();
      };
      if (statusCode >= 300 && statusCode < 400) {
        refuse(`it sends elsewhere, with status ${statusCode}`);
        return;
      }
      if (isCoded(headers)) {
        refuse(coded);
        return;
      }
      res.on('error', reject).on('aborted', () => reject(new Error('the page broke off')));
      res.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > mostBytes) refuse(`the page has more than ${mostBytes} bytes`);
        else if (parts.length > mostPieces) refuse(`the page comes in more than ${mostPieces} pieces`);
      });
      res.on('end', () => {
        const body = Buffer.concat(parts);
        resolve({ type: headers['content-type'] ?? null, encoding: headers['content-encoding'] ?? null, body });
      });
    });
    req.end();
    return promise;
  }
}

/** Where a URL leads, of a network or of a unix socket, and its path. */
function placeOf(text: string): { readonly place: RequestOptions; readonly base: string; readonly isSecure: boolean } {
  const { protocol, host, hostname, port, pathname } = new URL(text);
  const base = pathname.replace(/\/$/, '');
  if (protocol === 'http+unix:')
    return { place: { socketPath: decodeURIComponent(host), host: 'localhost' }, base, isSecure: false };
  return { place: { hostname: hostname.replace(/^\[|\]$/g, ''), port }, base, isSecure: protocol === 'https:' };
}

/** `404.html`, or `error.html` in its place. */
async function readPage(folder: string, status: PagedStatus): Promise<ErrorPage> {
  for (const name of [`${status}.html`, 'error.html']) {
    try {
      const body = await readSmallFile(join(folder, name), mostBytes);
      if (body.length > mostBytes) throw new Error(`${name} has more than ${mostBytes} bytes`);
      // Which characters they are, the file says itself.
      return { type: 'text/html', encoding: null, body };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error(`there is neither ${status}.html nor error.html in ${folder}`);
}
