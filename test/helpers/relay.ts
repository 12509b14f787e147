/** A relay without listener and handshake: two bare TCP peers, a route of the test's, and what the session reported. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { builtIn, routeSettings } from '../../src/config/model/route-settings.ts';
import { nest } from '../../src/config/model/settings.ts';
import type { Route, SenderLimits, UpstreamTarget, UpstreamTls } from '../../src/config/types.ts';
import { RouteCounters } from '../../src/observe/metrics/counters.ts';
import type { SessionReport, Violation } from '../../src/observe/report.ts';
import type { Clock } from '../../src/relay/core/clock.ts';
import type { Leg } from '../../src/relay/leg.ts';
import { type RegistryEvents, SessionRegistry } from '../../src/relay/registry.ts';
import type { Session } from '../../src/relay/session.ts';
import { SocketTransport } from '../../src/relay/transport/socket-transport.ts';
import { anyCaps, anyRate, openAccess } from './access.ts';
import { listen } from './listen.ts';
import { Peer } from './peer.ts';

const usual = nest(routeSettings, builtIn);

/** Limits that nothing reaches, but for those given. */
export function senderLimits(overrides: Partial<SenderLimits> = {}): SenderLimits {
  return {
    ...usual.limits.upstream,
    maxFragments: Number.POSITIVE_INFINITY,
    messageTimeoutMs: 0,
    ...overrides,
  };
}

export interface RouteOverrides extends Partial<Omit<Route, 'limits'>> {
  readonly mode?: 'enforce' | 'report';
  readonly client?: Partial<SenderLimits>;
  readonly upstreamLimits?: Partial<SenderLimits>;
}

/** Trusts the public authorities, and shows no certificate. */
export const noUpstreamTls: UpstreamTls = {
  ca: null,
  serverName: null,
  clientCert: null,
  clientKey: null,
  insecureSkipVerify: false,
};

/** An upstream that speaks plain HTTP on this machine. */
export function loopback(port: number): UpstreamTarget {
  return { protocol: 'http:', host: '127.0.0.1', port, href: `http://127.0.0.1:${port}` };
}

/** A route named `test` without pings and idle timeout. */
export function testRoute({ mode = 'enforce', client, upstreamLimits, ...route }: RouteOverrides = {}): Route {
  return {
    ...usual,
    name: 'test',
    label: route.name ?? 'test',
    hosts: [],
    path: '/',
    upstream: loopback(1),
    upstreamTls: noUpstreamTls,
    preset: null,
    origins: null,
    fingerprint: '',
    requireOrigin: false,
    identity: null,
    validate: { client: null, upstream: null },
    auth: null,
    identityHeaders: { user: null, groups: null },
    access: openAccess,
    rates: anyRate,
    connections: { ...anyCaps, max: 10_000, maxPerAddress: Number.POSITIVE_INFINITY },
    ping: { clientMs: 0, upstreamMs: 0, timeoutMs: 20_000 },
    idleTimeoutMs: 0,
    maxLifetimeMs: 0,
    drain: { close: 'spread', protect: 'client', spreadMs: 0, deadlineMs: 60_000 },
    http: { maxBodyBytes: 1e9, inactivityMs: 0, maxUpstreamConnections: 1024 },
    timeouts: { connectMs: 5000, headersMs: 10_000, handshakeMs: 15_000, closeMs: 10_000 },
    ...route,
    limits: { mode, client: senderLimits(client), upstream: senderLimits(upstreamLimits) },
  };
}

export interface Relay extends AsyncDisposable {
  /** The two ends: what the browser and the backend would be. */
  readonly client: Peer;
  readonly upstream: Peer;
  readonly session: Session;
  readonly counters: RouteCounters;
  /** The first violation. */
  readonly violated: Promise<Violation>;
  /** The report at the end. */
  readonly ended: Promise<SessionReport>;
}

export interface RelayOptions extends RouteOverrides {
  readonly registry?: RelayHub;
  /** The clock of a registry of its own. */
  readonly clock?: Clock;
  /** Bytes that came with the handshakes. */
  readonly clientHead?: Buffer;
  readonly upstreamHead?: Buffer;
  /** Called with Sluice's two sockets before the session takes them over. */
  readonly prepare?: (client: Socket, upstream: Socket) => void;
  /** Makes each leg's connection; plain TCP unless given. */
  readonly pair?: () => Promise<SocketPair>;
}

/** A connection, paused on Sluice's side as after a handshake: the test's end, and Sluice's. */
export type SocketPair = [end: Socket, side: Socket];

/** A registry that many relays of a test share. */
export class RelayHub {
  readonly ends = new Map<Session, (report: SessionReport) => void>();
  readonly violations = new Map<Session, (violation: Violation) => void>();
  /** What was told after each connection's first. */
  readonly furtherViolations: { session: Session; violation: Violation; times: number }[] = [];
  readonly registry: SessionRegistry;

  /** `maxBufferedBytes`: what all buffers may hold together; `clock`: the machine's unless given. */
  constructor(maxBufferedBytes?: number, clock?: Clock) {
    const events: RegistryEvents = {
      onViolation: (session, violation) => this.violations.get(session)?.(violation),
      onFurtherViolations: (session, violation, times) => this.furtherViolations.push({ session, violation, times }),
      onEnd: (session, report) => this.ends.get(session)?.(report),
    };
    this.registry = new SessionRegistry(events, maxBufferedBytes, clock);
  }
}

/** Opens a relay between two new TCP connections on loopback. */
export async function openRelay(options: RelayOptions = {}): Promise<Relay> {
  const {
    clock,
    registry: hub = new RelayHub(undefined, clock),
    clientHead,
    upstreamHead,
    prepare,
    pair = socketPair,
    ...overrides
  } = options;
  const [client, clientSide] = await pair();
  const [upstream, upstreamSide] = await pair();
  const counters = new RouteCounters();
  const violated = Promise.withResolvers<Violation>();
  const ended = Promise.withResolvers<SessionReport>();
  prepare?.(clientSide, upstreamSide);
  const facts = { host: 'test', path: '/', address: '127.0.0.1', upstream: '', subprotocol: null, handshakeMs: 1 };
  // Listeners first: a session may end while it opens.
  const session = hub.registry.open({
    id: 'test',
    route: testRoute(overrides),
    counters,
    client: { socket: clientSide, head: clientHead ?? Buffer.alloc(0) },
    upstream: { socket: upstreamSide, head: upstreamHead ?? Buffer.alloc(0) },
    facts,
    release: () => {},
  });
  hub.violations.set(session, violated.resolve);
  hub.ends.set(session, ended.resolve);
  return {
    client: new Peer(client),
    upstream: new Peer(upstream),
    session,
    counters,
    violated: violated.promise,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      client.destroy();
      upstream.destroy();
      session.cut('drain');
      await ended.promise;
    },
  };
}

/** A pair of plain TCP. */
export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const accepted = Promise.withResolvers<Socket>();
  server.on('connection', accepted.resolve);
  const port = await listen(server);
  const end = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [side] = await Promise.all([accepted.promise, once(end, 'connect')]);
  server.close();
  return [end, side];
}

/** The socket of a leg whose transport has one. */
export function socketOf({ source }: Leg): Socket {
  if (!(source instanceof SocketTransport)) throw new Error('no socket');
  return source.socket;
}
