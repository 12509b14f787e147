/** What the handshake hands to the relay. */
import type { WhenOpen } from '../admission/open-connection.ts';
import type { Route } from '../config/types.ts';
import type { RouteCounters } from '../observe/metrics/counters.ts';
import type { ConnectionFacts } from '../observe/report.ts';
import type { Activity } from './core/data-use.ts';
import type { MemoryBudget } from './memory/memory-budget.ts';
import type { ReadBuffers } from './memory/read-buffers.ts';
import type { LegInput } from './transport/socket-reader.ts';
import type { SocketTransport } from './transport/socket-transport.ts';

/** Where the relay's bytes are, and how many there may be. */
export interface RelayMemory {
  readonly budget: MemoryBudget;
  readonly buffers: ReadBuffers;
}

export interface SessionInit {
  readonly id: string;
  /** Limits are taken from here at the start of each message; `Session.reconfigure` replaces it. */
  readonly route: Route;
  readonly counters: RouteCounters;
  readonly client: LegInput | SocketTransport;
  readonly upstream: LegInput | SocketTransport;
  readonly facts: ConnectionFacts;
  /** `null` or absent where nobody wants to know. */
  readonly activity?: Activity | null;
  /** Gives back what admission and routing lent (connection slots, endpoint lease). Called once, at the end. */
  readonly release: () => void;
  /** Called with the connection, for steps that may have to end it. */
  readonly whenOpen?: readonly WhenOpen[] | null;
}
