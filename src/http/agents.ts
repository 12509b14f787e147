/** Upstream connections for plain HTTP: kept alive, one pool per upstream. An upgraded socket never comes here. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import type { UpstreamTarget } from '../config/types.ts';

/**
 * uvicorn closes idle connections after 5 s and says so in no header: an idle connection is given up before that, or
 * requests would be written into sockets that are just being closed. Applies to idle connections only.
 */
const idleMs = 4000;
const options = { keepAlive: true, maxFreeSockets: 64, scheduling: 'lifo', timeout: idleMs } as const;

/** The pools of one forwarder. */
export class Agents {
  readonly #http = new HttpAgent(options);
  readonly #https = new Map<string, HttpsAgent>();

  /** The pool for an upstream. */
  of(target: UpstreamTarget): HttpAgent | HttpsAgent {
    if (target.protocol === 'http:') return this.#http;
    let agent = this.#https.get(target.host);
    if (!agent) {
      // Node would take the name to verify from the Host header, which is the client's, not the backend's.
      agent = new HttpsAgent({ ...options, servername: isIP(target.host) ? '' : target.host });
      this.#https.set(target.host, agent);
    }
    return agent;
  }

  /** Closes every connection, idle or not. */
  destroy(): void {
    this.#http.destroy();
    for (const agent of this.#https.values()) agent.destroy();
  }
}
