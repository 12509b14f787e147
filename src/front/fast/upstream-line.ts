/** Lines to upstreams: one for each connection of a pool, for as long as that lives. */
import type { Socket } from 'node:net';
import type { RelayMemory } from '../../relay/types.ts';
import type { PoolLease } from '../../upstream/pool.ts';
import { Line, type LineOwner } from './line.ts';
import type { RestingLines } from './resting-lines.ts';

const nothing = Buffer.alloc(0);

/**
 * The owner of a line that rests. Nobody has asked anything, so whatever comes is no answer, and ends the connection.
 */
class Resting implements LineOwner {
  readonly #socket: () => Socket;

  constructor(socket: () => Socket) {
    this.#socket = socket;
  }

  read(): void {
    this.#socket().destroy();
  }

  drained(): void {}
  ended(): void {}
  gone(): void {}
}

/** The line of a socket that has one; the socket keeps it. */
const lineOf = Symbol('line');

interface Lined extends Socket {
  [lineOf]?: Line;
}

export class UpstreamLines {
  readonly #memory: RelayMemory;
  readonly #resting: RestingLines;

  constructor(memory: RelayMemory, resting: RestingLines) {
    this.#memory = memory;
    this.#resting = resting;
  }

  /** Returns the line of a connection that was lent, for its new owner. The line is being read. */
  take({ socket }: PoolLease, owner: LineOwner): Line {
    const known = (socket as Lined)[lineOf];
    if (known !== undefined) {
      known.owner = owner;
      known.resume();
      return known;
    }
    // An answer may lie behind a body that nobody takes any more.
    const line = new Line(socket, nothing, this.#memory, owner, true);
    (line.socket as Lined)[lineOf] = line;
    line.start();
    return line;
  }

  /** Gives back a connection on which everything is read and written. */
  giveBack(line: Line, lease: PoolLease): void {
    line.owner = new Resting(() => line.socket);
    line.resume();
    this.#resting.add(line);
    lease.giveBack(line.socket);
  }
}
