/**
 * The one way to open a connection to an upstream, for HTTP as for WebSockets.
 *
 *   look up ──► race ──► TLS ──► connected    one socket, and nothing of what else was tried
 *      └─────────┴────────┴────► a failure    no socket
 *
 * Time, and the asker's signal, may end it at each step.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { UpstreamTarget, UpstreamTls } from '../config/types.ts';
import { type Address, interleave, type Lookup, literalAddress, shareLookups } from './addresses.ts';
import {
  type ConnectFailure,
  type ConnectProblem,
  classifyConnectError,
  classifyTlsError,
  describeTlsError,
} from './failure.ts';
import { Race } from './race.ts';
import { type TrustOf, tlsOptions } from './tls.ts';

/** What connecting takes from the process. */
export interface ConnectorParts {
  readonly lookup: Lookup;
  /** Whether the process may open one more connection beside those that are begun and have no descriptor yet. */
  readonly admit: (begun: number) => boolean;
  readonly trust: TrustOf;
  /** Why nobody may connect there; `null` where they may. */
  readonly forbidden?: (target: UpstreamTarget, address: string) => string | null;
}

/** Where to, how long at most, and until when it is wanted. */
export interface ConnectAsk {
  readonly target: UpstreamTarget;
  readonly tls: UpstreamTls;
  /** Whether somebody else than the configuration chose the target: then not every address will do. */
  readonly guarded?: boolean;
  /** For all steps together; 0 is off. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A connection that is ready to be written to. */
export interface Connected {
  /**
   * Nobody reads it yet and nothing was read from it. It has an `'error'` listener that does nothing, so that an error
   * between two owners is no exception.
   */
  readonly socket: Socket;
  /** From the asking on. */
  readonly elapsedMs: number;
}

export class Connector {
  readonly #parts: ConnectorParts;
  #begun = 0;

  constructor(parts: ConnectorParts) {
    this.#parts = { ...parts, lookup: shareLookups(parts.lookup) };
  }

  /** Connects. What goes wrong outside of this process is a value; after the signal there is no socket left. */
  connect(ask: ConnectAsk): Promise<Connected | ConnectFailure> {
    return new Promise((resolve, reject) => {
      new Attempt(ask, this.#parts, (open) => this.#begin(open), resolve).run().catch(reject);
    });
  }

  /** Node makes the descriptor in the next tick: until then it is counted here. */
  #begin(open: () => Socket): Socket | NodeJS.ErrnoException {
    if (!this.#parts.admit(this.#begun)) return Object.assign(new Error(noDescriptor), { code: 'EMFILE' });
    this.#begun++;
    const socket = open();
    process.nextTick(() => this.#begun--);
    return socket;
  }
}

const noDescriptor = 'the process may open no more files';

class Attempt {
  readonly #ask: ConnectAsk;
  readonly #parts: ConnectorParts;
  readonly #begin: (open: () => Socket) => Socket | NodeJS.ErrnoException;
  readonly #resolve: (result: Connected | ConnectFailure) => void;
  readonly #startedAt = performance.now();
  readonly #onAbort = () => this.#fail('aborted', 'the client left');
  readonly #timer: NodeJS.Timeout | undefined;
  #race: Race | null = null;
  /** The winner, until it is handed over. */
  #socket: Socket | null = null;
  #over = false;

  constructor(
    ask: ConnectAsk,
    parts: ConnectorParts,
    begin: (open: () => Socket) => Socket | NodeJS.ErrnoException,
    resolve: (result: Connected | ConnectFailure) => void,
  ) {
    this.#ask = ask;
    this.#parts = parts;
    this.#begin = begin;
    this.#resolve = resolve;
    if (ask.timeoutMs > 0) this.#timer = setTimeout(() => this.#fail('connect_timeout', this.#late()), ask.timeoutMs);
    ask.signal.addEventListener('abort', this.#onAbort);
    if (ask.signal.aborted) this.#onAbort();
  }

  async run(): Promise<void> {
    const { target, tls } = this.#ask;
    const secure = target.protocol === 'https:';
    const { socketPath } = target;
    if (socketPath !== undefined && !this.#over) {
      this.#raceTo([{ address: socketPath, family: 0 }], () => connectTcp(socketPath));
      return;
    }
    const found = this.#over ? null : await this.#lookUp(target.host);
    if (found === null || this.#over) return;
    const addresses = this.#admitted(found);
    if (addresses.length === 0) return;
    const trust = secure ? await this.#parts.trust(tls) : null;
    if (this.#over) return;
    if (trust !== null && 'problem' in trust) {
      this.#fail('tls', trust.problem);
      return;
    }
    const options = trust && tlsOptions(target, tls, trust.context);
    this.#raceTo(addresses, ({ address }) => {
      const at = { host: address, port: target.port };
      return options === null ? connectTcp(at) : connectTls({ ...options, ...at });
    });
  }

  #raceTo(addresses: readonly Address[], open: (address: Address) => Socket): void {
    this.#race = new Race(addresses, (address) => this.#begin(() => open(address)), {
      connected: (socket) => this.#connected(socket),
      failed: (errors) => this.#failWith(errors),
    });
    this.#race.start();
  }

  /** Those to which anybody may connect; where there are none, that is told. A name may resolve to anything. */
  #admitted(addresses: readonly Address[]): readonly Address[] {
    const { forbidden } = this.#parts;
    if (forbidden === undefined || this.#ask.guarded !== true) return addresses;
    const reasons = addresses.map(({ address }) => forbidden(this.#ask.target, address));
    const admitted = addresses.filter((_, i) => reasons[i] === null);
    if (admitted.length === 0) this.#fail('other', reasons[0]!);
    return admitted;
  }

  /** `null` where the name has no address; that is told already. */
  async #lookUp(host: string): Promise<readonly Address[] | null> {
    const literal = literalAddress(host);
    if (literal !== null) return [literal];
    try {
      const addresses = await this.#parts.lookup(host);
      if (addresses.length > 0) return interleave(addresses);
      this.#fail('dns', `${host} has no address`);
    } catch (error) {
      // Without descriptors the resolver reads no file and asks no server, and says that there is no such name.
      if (this.#parts.admit(0)) this.#fail('dns', (error as Error).message);
      else this.#fail('descriptors', noDescriptor);
    }
    return null;
  }

  #connected(socket: Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    if (this.#ask.target.protocol === 'http:') {
      this.#succeed(socket);
      return;
    }
    const secured = () => {
      off();
      this.#succeed(socket);
    };
    const failed = (error: NodeJS.ErrnoException) => {
      off();
      this.#fail(classifyTlsError(error), describeTlsError(error));
    };
    const closed = () => failed(Object.assign(new Error('the connection closed'), { code: 'ECONNRESET' }));
    const off = () => socket.off('secureConnect', secured).off('error', failed).off('close', closed);
    socket.once('secureConnect', secured).once('error', failed).once('close', closed);
  }

  #failWith(errors: readonly NodeJS.ErrnoException[]): void {
    const problems = errors.map(classifyConnectError);
    // One that was never tried may be the one that works; one that refuses tells more than one that leads nowhere.
    const telling = (['descriptors', 'connect_refused', 'reset'] as const).find((problem) =>
      problems.includes(problem),
    );
    this.#fail(telling ?? problems[0]!, errors.map(({ message, code }) => message || code).join('; '));
  }

  /** What was waited for when time was over. */
  #late(): string {
    const { timeoutMs, target } = this.#ask;
    const waitedFor =
      this.#socket !== null ? 'TLS is not agreed' : (this.#race?.describe() ?? `${target.host} is not resolved`);
    return `no connection in ${timeoutMs} ms: ${waitedFor}`;
  }

  #succeed(socket: Socket): void {
    this.#socket = null;
    this.#settle({ socket, elapsedMs: performance.now() - this.#startedAt });
  }

  #fail(problem: ConnectProblem, detail: string): void {
    if (this.#over) return;
    this.#race?.stop();
    this.#socket?.destroy();
    this.#settle({ problem, detail });
  }

  #settle(result: Connected | ConnectFailure): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#ask.signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(result);
  }
}
