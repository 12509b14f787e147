/**
 * Whether the table of a replica is complete. Nobody but the hub knows: it asks each replica for its table, sets what
 * is missing, and then says so (`POST /api/checked`). A replica that has just started asks the hub for such a check,
 * and until it has been through one it wants no clients.
 *
 *   begins ──► incomplete ──── the hub has checked ────► complete
 *                 └──────── no hub, but a state file ──► as the file has it ── the hub has checked ──► complete
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { boundInterim, tooMuchInterim } from '../../http/interim.ts';
import type { Log } from '../../observe/log/log.ts';

export interface HubCheckParts {
  /** The hub's API: `http://hub:8081/hub/api`. */
  readonly url: string;
  readonly log: Log;
  /** What the hub is shown; `null` for nothing. */
  readonly token: () => Promise<string | null>;
  /** How TLS with the hub is made sure of. */
  readonly secure: () => Promise<ConnectionOptions>;
  /** How many routes the table has. */
  readonly routes: () => number;
}

/** The hub asks every replica and sets what is missing: 5 000 routes take it some ten seconds. */
const answerMs = 60_000;
/** A hub that takes longer for a TCP connection is not there. */
const connectMs = 5000;
const firstPauseMs = 500;
/** Names of a Service are known everywhere in half a minute at the latest. */
const longestPauseMs = 5000;
const maxHeaderSize = 16 * 1024;

/** What came of one question: the status, or why there was none. */
type Answered = { readonly status: number } | { readonly problem: string };

export class HubCheck {
  /** `complete`, or why the table may lack routes, in words. */
  state: string = 'the hub has not checked the routes yet';
  readonly #parts: HubCheckParts;
  readonly #end = new AbortController();
  #isChecked = false;
  /** Whether the table has what a file kept. */
  #isKept = false;
  #problem = '';

  constructor(parts: HubCheckParts) {
    this.#parts = parts;
  }

  /** Asks the hub until it has checked the table. */
  async run(): Promise<void> {
    this.#isKept = this.#parts.routes() > 0;
    for (let pause = firstPauseMs; !this.#isOver; pause = Math.min(pause * 2, longestPauseMs)) {
      const answered = await this.#ask();
      if (this.#isOver) return;
      this.#judge(answered);
      await this.#rest(pause);
    }
  }

  /** The hub has compared the table with its own, and has set what was missing. */
  checked(differing: number): void {
    if (this.#isChecked) return;
    this.#isChecked = true;
    this.state = 'complete';
    this.#parts.log.tell('routes_complete', { routes: this.#parts.routes(), differing });
    this.#end.abort();
  }

  close(): void {
    this.#end.abort();
  }

  get #isOver(): boolean {
    return this.#end.signal.aborted;
  }

  #judge(answered: Answered): void {
    const problem =
      'problem' in answered
        ? answered.problem
        : answered.status < 300
          ? 'the hub has checked the routes of other replicas, and not of this one'
          : `the hub answers ${answered.status}`;
    // Without its hub a replica can know no more than the file does; and nobody could set a route meanwhile.
    this.state = 'problem' in answered && this.#isKept ? 'complete' : problem;
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#parts.log.tell('routes_incomplete', { problem, routes: this.#parts.routes() });
  }

  async #ask(): Promise<Answered> {
    const { url, token, secure } = this.#parts;
    const isSecure = url.startsWith('https:');
    const { promise, resolve } = Promise.withResolvers<Answered>();
    try {
      const shown = await token();
      const tls = isSecure ? await secure() : {};
      // A signal that has been given calls nobody any more.
      if (this.#isOver) return { problem: 'it is over' };
      const req = (isSecure ? requestHttps : requestHttp)(`${url}/proxy`, {
        ...tls,
        method: 'POST',
        agent: false,
        maxHeaderSize,
        headers: {
          'Content-Length': 0,
          Connection: 'close',
          ...(shown === null ? {} : { Authorization: `token ${shown}` }),
        },
      });
      const late = (ms: number) => setTimeout(() => req.destroy(new Error(`nothing within ${ms} ms`)), ms);
      const clocks = [late(connectMs), late(answerMs)];
      const ended = () => req.destroy();
      boundInterim(req, () => req.destroy(new Error(tooMuchInterim)));
      this.#end.signal.addEventListener('abort', ended);
      req.on('socket', (socket) => socket.once('connect', () => clearTimeout(clocks[0])));
      req.on('error', ({ message }) => resolve({ problem: `the hub does not answer: ${message}` }));
      // Only its status says something.
      req.on('response', (res) => {
        resolve({ status: res.statusCode! });
        req.destroy();
      });
      req.on('close', () => {
        for (const clock of clocks) clearTimeout(clock);
        this.#end.signal.removeEventListener('abort', ended);
        resolve({ problem: 'the hub does not answer: it hung up' });
      });
      req.end();
    } catch (error) {
      // Its token or its authorities cannot be read.
      resolve({ problem: `the hub cannot be asked: ${(error as Error).message}` });
    }
    return promise;
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { ref: false, signal: this.#end.signal }).catch(ignore);
  }
}

function ignore(): void {}
