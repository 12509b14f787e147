/**
 * The fast lane: plain HTTP/1.1 requests and handshakes at the relay's speed. Heads are read and written as bytes,
 * bodies pass as they came, and everything that is held counts in the memory of all. A request that is not of the
 * strict form that every parser reads alike takes its connection to the careful lane, where it stays.
 */

import type { Route } from '../../config/types.ts';
import { HeadWriter } from '../../http/wire/head-writer.ts';
import { RoundBudget } from '../../relay/core/round-budget.ts';
import type { Passer } from '../../relay/registry.ts';
import { Roster } from '../../relay/roster.ts';
import type { Connection, Lane } from '../connection.ts';
import { DateLine } from './date-line.ts';
import { Exchange } from './exchange.ts';
import { FastConnection } from './fast-connection.ts';
import { HeadParsers } from './head-parsers.ts';
import type { LaneParts } from './parts.ts';
import { bytesPerRound, chunksPerRound, ownAnswersPerRound } from './per-round.ts';
import { RestingLines } from './resting-lines.ts';
import type { PendingHandshake, UnderWay } from './under-way.ts';
import { UpstreamLines } from './upstream-line.ts';

/** Who looks after those that hold memory: the relay's registry. */
export interface Holders extends UnderWay<Passer> {
  readonly passers: Iterable<Passer>;
}

/** What the lane cannot make itself. */
export type FastLaneParts = Omit<
  LaneParts,
  | 'heads'
  | 'requests'
  | 'answers'
  | 'upstreams'
  | 'resting'
  | 'byteBudget'
  | 'chunkBudget'
  | 'answerBudget'
  | 'exchanges'
  | 'openings'
  | 'date'
> & {
  readonly holders: Holders;
};

export class FastLane implements Lane {
  readonly #parts: LaneParts;
  readonly #holders: Holders;
  #exchanges = 0;
  readonly #openings = new Roster<PendingHandshake>();

  constructor(parts: FastLaneParts) {
    const date = new DateLine();
    const { holders } = parts;
    const resting = new RestingLines(holders);
    this.#holders = holders;
    this.#parts = {
      ...parts,
      heads: new HeadWriter(),
      requests: new HeadParsers('request'),
      answers: new HeadParsers('response'),
      upstreams: new UpstreamLines(parts.memory, resting),
      resting,
      byteBudget: new RoundBudget(setImmediate, bytesPerRound),
      chunkBudget: new RoundBudget(setImmediate, chunksPerRound),
      answerBudget: new RoundBudget(setImmediate, ownAnswersPerRound),
      exchanges: {
        add: (exchange) => {
          this.#exchanges++;
          holders.add(exchange);
        },
        delete: (exchange) => {
          this.#exchanges--;
          holders.delete(exchange);
        },
      },
      openings: this.#openings,
      date: () => date.at(Date.now()),
    };
  }

  take(connection: Connection, bytes: Buffer): void {
    new FastConnection(this.#parts, connection, bytes).start();
  }

  /** Requests under way, handshakes not counted. */
  get active(): number {
    return this.#exchanges;
  }

  /** Handshakes that are not over. */
  get handshakes(): number {
    return this.#openings.size;
  }

  /** Cuts off the requests under way for whose route `isOver` holds. Returns how many. */
  abort(isOver: (route: Route) => boolean): number {
    let count = 0;
    for (const one of this.#holders.passers) {
      if (one instanceof Exchange && isOver(one.request.route.route) && one.cut()) count++;
    }
    return count;
  }

  /** Gives all handshakes up. */
  cancel(): void {
    for (const opening of this.#openings) opening.cancel();
  }
}
