/**
 * The one way to open a connection to an upstream, for HTTP as for WebSockets.
 *
 *   look up ──► race ──► TLS ──► connected    one socket, and nothing of what else was tried
 *      └─────────┴────────┴────► a failure    no socket
 *
 * Time, and whoever asked, may end it at each step.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { UpstreamTarget, UpstreamTls } from '../config/types.ts';
import { type Address, interleave, type Lookup, literalAddress, shareLookups } from './addresses.ts';
import {
  type ConnectFailure,
  type ConnectProblem,
  classifyConnectError,
  classifyTlsError,
  describeTlsError,
} from './failure.ts';
import type { OwnAddresses } from './own-addresses.ts';
import { Race } from './race.ts';
import { type TrustOf, tlsOptions } from './tls.ts';

/** What connecting takes from the process. */
export interface ConnectorParts {
  readonly lookup: Lookup;
  /** Whether the process may open one more connection beside the `begun` ones that have no descriptor yet. */
  readonly admit: (begun: number) => boolean;
  readonly trust: TrustOf;
  /** Where nothing may be forwarded to. */
  readonly own?: OwnAddresses;
  /** Why nobody may connect there; `null` where they may. */
  readonly forbidden?: (target: UpstreamTarget, address: string) => string | null;
}

/** Where to, and how long at most. */
export interface DialAsk {
  readonly target: UpstreamTarget;
  readonly tls: UpstreamTls;
  /** Whether the target was not chosen by the configuration. Then not every address will do. */
  readonly guarded?: boolean;
  /** Whether it carries what clients ask for: then it must not lead to Sluice itself. */
  readonly forwards?: boolean;
  /** What TLS offers to speak (ALPN); HTTP/1.1 unless given. */
  readonly protocols?: readonly string[];
  /** For all steps together; 0 is off. */
  readonly timeoutMs: number;
}

/** The same, and until when it is wanted. */
export interface ConnectAsk extends DialAsk {
  readonly signal: AbortSignal;
}

/** What a dial calls: one of these, once, perhaps before `dial` has returned. */
export interface DialEvents {
  done(result: Connected | ConnectFailure): void;
  /** A fault of this program. */
  broke(error: unknown): void;
}

/** A connection that is being opened. */
export interface Dial {
  /** Gives the dial up. It has failed when this returns, and no socket is left of it. */
  cancel(): void;
}

/** A connection that is ready to be written to. */
export interface Connected {
  /**
   * The socket, which nobody reads yet and from which nothing was read. It has an `'error'` listener that does nothing,
   * so that an error between two owners is no exception.
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

  /** Connects. Whatever goes wrong outside of this process is a value. */
  dial(ask: DialAsk, events: DialEvents): Dial {
    const attempt = new Attempt(ask, this.#parts, this.#begin, events);
    attempt.start();
    return attempt;
  }

  /** The same as a promise. After the signal there is no socket left. */
  connect({ signal, ...ask }: ConnectAsk): Promise<Connected | ConnectFailure> {
    if (signal.aborted) return Promise.resolve(left);
    return new Promise((resolve, reject) => {
      const cancel = () => dial.cancel();
      const done = (result: Connected | ConnectFailure) => {
        signal.removeEventListener('abort', cancel);
        resolve(result);
      };
      signal.addEventListener('abort', cancel);
      const broke = (error: unknown) => {
        signal.removeEventListener('abort', cancel);
        reject(error);
      };
      const dial = this.dial(ask, { done, broke });
    });
  }

  /** Node makes the descriptor in the next tick. Until then it is counted here. */
  readonly #begin = (open: () => Socket): Socket | NodeJS.ErrnoException => {
    if (!this.#parts.admit(this.#begun)) return Object.assign(new Error(noDescriptor), { code: 'EMFILE' });
    const socket = open();
    this.#begun++;
    process.nextTick(() => this.#begun--);
    return socket;
  };
}

const left: ConnectFailure = { problem: 'aborted', detail: 'the client left' };
const noDescriptor = 'the process may open no more files';

class Attempt implements Dial {
  readonly #ask: DialAsk;
  readonly #parts: ConnectorParts;
  readonly #begin: (open: () => Socket) => Socket | NodeJS.ErrnoException;
  readonly #events: DialEvents;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #race: Race | null = null;
  /** The winner, until it is handed over. */
  #socket: Socket | null = null;
  #over = false;

  constructor(
    ask: DialAsk,
    parts: ConnectorParts,
    begin: (open: () => Socket) => Socket | NodeJS.ErrnoException,
    events: DialEvents,
  ) {
    this.#ask = ask;
    this.#parts = parts;
    this.#begin = begin;
    this.#events = events;
    if (ask.timeoutMs > 0) this.#timer = setTimeout(() => this.#fail('connect_timeout', this.#late()), ask.timeoutMs);
  }

  /** A mistake here is told as one that comes later is. */
  start(): void {
    this.#contained(() => this.#run());
  }

  /** In one go where nothing must be waited for. */
  #run(): void {
    const { host, protocol, socketPath } = this.#ask.target;
    if (socketPath !== undefined) {
      const circle = this.#own?.refuseSocket(socketPath) ?? null;
      if (circle !== null) this.#fail('loop', circle);
      else this.#raceTo([{ address: socketPath, family: 0 }], () => connectTcp(socketPath));
      return;
    }
    const literal = literalAddress(host);
    if (literal !== null && protocol === 'http:') this.#start([literal], null);
    else this.#prepare(literal).catch((error) => this.#break(error));
  }

  cancel(): void {
    this.#finish(left);
  }

  async #prepare(literal: Address | null): Promise<void> {
    const { target, tls, protocols } = this.#ask;
    const found = literal === null ? await this.#lookUp(target.host) : [literal];
    if (found === null || this.#over) return;
    const trust = target.protocol === 'https:' ? await this.#parts.trust(tls) : null;
    if (this.#over) return;
    if (trust !== null && 'problem' in trust) this.#fail('tls', trust.problem);
    else this.#start(found, trust && tlsOptions(target, tls, trust.context, protocols));
  }

  #start(found: readonly Address[], options: ConnectionOptions | null): void {
    const addresses = this.#admitted(found);
    if (addresses.length === 0) return;
    const { port } = this.#ask.target;
    this.#raceTo(addresses, ({ address }) => {
      const at = { host: address, port };
      return options === null ? connectTcp(at) : connectTls({ ...options, ...at });
    });
  }

  #raceTo(addresses: readonly Address[], open: (address: Address) => Socket): void {
    this.#race = new Race(addresses, (address) => this.#begin(() => open(address)), {
      connected: (socket) => this.#contained(() => this.#connected(socket)),
      failed: (errors) => this.#contained(() => this.#failWith(errors)),
      broke: (error) => this.#break(error),
    });
    this.#race.start();
  }

  /**
   * Returns the addresses to which a connection is allowed. If there are none, that is reported. A name may resolve to
   * anything.
   */
  #admitted(found: readonly Address[]): readonly Address[] {
    const { target, guarded } = this.#ask;
    const { forbidden } = this.#parts;
    const circleAt = ({ address }: Address) => this.#own?.refuse(address, target.port) ?? null;
    const addresses = found.filter((one) => circleAt(one) === null);
    if (addresses.length === 0) this.#fail('loop', circleAt(found[0]!)!);
    if (addresses.length === 0 || forbidden === undefined || guarded !== true) return addresses;
    const reasons = addresses.map(({ address }) => forbidden(target, address));
    const admitted = addresses.filter((_, i) => reasons[i] === null);
    if (admitted.length === 0) this.#fail('other', reasons[0]!);
    return admitted;
  }

  /** Where it must not lead; `null` where it may lead anywhere. */
  get #own(): OwnAddresses | null {
    return this.#ask.forwards === true ? (this.#parts.own ?? null) : null;
  }

  /** Returns `null` if the name has no address; that has been reported then. */
  async #lookUp(host: string): Promise<readonly Address[] | null> {
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
    // An address that was never tried may be the one that works. One that refuses tells more than one that leads
    // nowhere.
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
    this.#finish({ socket, elapsedMs: performance.now() - this.#startedAt });
  }

  #fail(problem: ConnectProblem, detail: string): void {
    this.#finish({ problem, detail });
  }

  #finish(result: Connected | ConnectFailure): void {
    if (this.#end()) this.#events.done(result);
  }

  /** Here, or when a socket calls: a mistake ends this dial. */
  #contained(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (this.#end()) this.#events.broke(error);
  }

  /** Ends the dial; nothing is left of it but what is handed over. Returns whether it was not over yet. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#race?.stop();
    this.#socket?.destroy();
    return true;
  }
}
