/**
 * Breaks each socket at each step: many connections through one gateway, each with one fault at its client or its
 * upstream, at a border between two steps or anywhere. Each request must be counted once, and nothing may be left
 * behind.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import type { Route } from '../../../src/config/types.ts';
import type { RouteCounters } from '../../../src/observe/metrics/counters.ts';
import { routeTo, startGateway, type TestGateway } from '../gateway.ts';
import { listen } from '../listen.ts';
import { noUpstreamTls } from '../relay.ts';
import { cert, key } from '../test-certificate.ts';
import { Accepted } from './accepted.ts';
import { type Fault, FaultySocket, faultKinds } from './faulty-socket.ts';
import { type Program, programs } from './programs.ts';

export interface FaultsOptions {
  /** Connections in all. */
  readonly connections: number;
  /** The time of each of Sluice's clocks. What it is for must be done by then, on a busy machine too. */
  readonly clockMs: number;
  readonly seed: number;
  /** Files of a certificate and its key: then Sluice speaks TLS to its clients. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Whether upstreams speak TLS. */
  readonly upstreamTls: boolean;
}

/** One connection and what breaks it. */
interface Case {
  readonly program: Program;
  readonly side: 'client' | 'upstream';
  /** Whether it breaks before TLS is agreed on. */
  readonly beforeTls: boolean;
  readonly fault: Fault | null;
}

/** Connections that are under way at once, each over a route of its own. */
const width = 40;
/** All clocks run out within this time, on a busy machine too. */
const longestMs = 20_000;

/** Pseudo-random numbers from 0 to below 1 (mulberry32), so that a run can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function caseOf(index: number, random: () => number, { tls, upstreamTls, clockMs }: FaultsOptions): Case {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const program = programs[index % programs.length]!;
  const side = pick(['client', 'upstream'] as const);
  // Now and then nothing breaks.
  if (random() < 0.05) return { program, side, beforeTls: false, fault: null };
  const beforeTls = (side === 'client' ? tls !== null : upstreamTls) && random() < 0.2;
  const counts = pick(['sent', 'got'] as const);
  const bytes = (side === 'client') === (counts === 'sent') ? program.up : program.down;
  const head = side === 'client' && counts === 'sent' ? program.head('w0.test').length : 40;
  const borders = [0, 1, head - 1, head, head + 1, bytes - 1, bytes];
  const at = beforeTls ? Math.floor(random() * 600) : random() < 0.5 ? pick(borders) : Math.floor(random() * bytes);
  return {
    program,
    side,
    beforeTls,
    fault: { kind: pick(faultKinds), counts, at: Math.max(0, at), stallMs: 1.5 * clockMs },
  };
}

/** An upstream that does what the program of its worker says. */
class Upstream {
  /** What it does next. */
  current: Case | null = null;
  /** Whether the fault has found a connection. */
  #isSet = false;
  readonly sockets = new Set<FaultySocket>();
  readonly #server: Server;

  constructor(isTls: boolean) {
    const secureContext = createSecureContext({ cert, key });
    this.#server = createServer({ allowHalfOpen: true }, (wire) => {
      wire.on('error', () => {});
      if (isTls && this.current?.beforeTls && this.#take() !== null) {
        const raw = this.#add(new FaultySocket(wire));
        raw.set(this.current.fault);
        void raw.until('never').then(() => raw.finish());
        return;
      }
      const socket = isTls ? new TLSSocket(wire, { isServer: true, secureContext }) : wire;
      socket.allowHalfOpen = true;
      void this.#serve(this.#add(new FaultySocket(socket, wire)));
    });
  }

  listen(): Promise<number> {
    return listen(this.#server);
  }

  /** Begins another case; a connection that waits for its next request is its too. */
  begin(one: Case): void {
    this.current = one;
    this.#isSet = false;
    const [waiting] = this.sockets;
    // What was meant for the case before does not break this one.
    waiting?.set(one.beforeTls ? null : this.#take());
  }

  close(): void {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  #add(socket: FaultySocket): FaultySocket {
    this.sockets.add(socket);
    void socket.gone.then(() => this.sockets.delete(socket));
    return socket;
  }

  #take(): Fault | null {
    if (this.current?.side !== 'upstream' || this.#isSet) return null;
    this.#isSet = true;
    return this.current.fault;
  }

  async #serve(socket: FaultySocket): Promise<void> {
    if (!this.current?.beforeTls) socket.set(this.#take());
    for (;;) {
      const head = await socket.until('\r\n\r\n');
      if (head === null || !(await this.current!.program.serve(socket, head))) break;
    }
    socket.finish();
  }
}

/** What a run has shown; empty lists where all is well. */
export interface FaultsReport {
  /** Cases whose request was not counted exactly once, or whose connection stayed open. */
  readonly wrong: string[];
  /** What is left when all is over. */
  readonly left: Record<string, number>;
  /** Of those where something may break. */
  readonly requests: number;
  readonly handshakes: Record<string, number>;
  /** How the handshakes ended where nothing broke. */
  readonly unbroken: Record<string, number>;
}

/** Runs that many connections and says what is wrong. */
export async function runFaults(options: FaultsOptions): Promise<FaultsReport> {
  const before = resources();
  const upstreams = Array.from({ length: width }, () => new Upstream(options.upstreamTls));
  const routes: Route[] = [];
  for (const [i, upstream] of upstreams.entries()) routes.push(routeOf(`w${i}`, await upstream.listen(), options));
  const sound = new Upstream(options.upstreamTls);
  upstreams.push(sound);
  const patient = routeOf(soundName, await sound.listen(), { ...options, clockMs: soundMs });
  // Before a route is known the longest of all would count.
  routes.push({ ...patient, timeouts: { ...patient.timeouts, headersMs: options.clockMs } });
  const gateway = await startGateway({ routes, tls: options.tls });
  using accepted = new Accepted(gateway.port);
  const hello = await clientHello();
  const wrong = await runSound(sound, gateway, accepted, options, hello);
  const unbroken = handshakesOf(gateway, [soundName]);
  const random = randomOf(options.seed);
  let next = 0;
  const worker = async (i: number) => {
    const upstream = upstreams[i]!;
    const counters = gateway.gateway.counters.of(`w${i}`);
    let expected = 0;
    while (next < options.connections) {
      const one = caseOf(next++, random, options);
      upstream.begin(one);
      const { counts, isStuck, heard } = await run(one, `w${i}.test`, gateway, accepted, options, hello);
      const note = (what: string) => wrong.push(`${nameOf(one)}: ${what}; its client got ${JSON.stringify(heard)}`);
      if (isStuck) note('its connection stays open');
      if (counts) expected++;
      if (!(await within(() => totalOf(counters) >= expected))) note('not counted');
      if (totalOf(counters) > expected) note('counted too often');
      expected = totalOf(counters);
    }
  };
  await Promise.all(Array.from({ length: width }, (_, i) => worker(i)));
  const left = await settle(gateway, upstreams);
  const all = routes.map(({ name }) => gateway.gateway.counters.of(name));
  const handshakes = handshakesOf(
    gateway,
    routes.map(({ name }) => name),
  );
  const closed = all.reduce((sum, counters) => sum + counters.closed.total, 0);
  const opened = handshakes.opened ?? 0;
  if (opened !== closed) wrong.push(`${opened} connections were opened, and ${closed} closed`);
  const ends = gateway.log.filter(({ event }) => event === 'end').length;
  if (ends !== opened) wrong.push(`${opened} connections were opened, and ${ends} ends logged`);
  await gateway[Symbol.asyncDispose]();
  for (const upstream of upstreams) upstream.close();
  for (const kind of Object.keys(before)) {
    if (!(await within(() => (resources()[kind] ?? 0) <= before[kind]!))) left[kind] = resources()[kind]!;
  }
  const requests = upstreams.reduce((sum, _, i) => sum + gateway.gateway.counters.of(`w${i}`).httpRequests.total, 0);
  return { wrong, left, requests, handshakes, unbroken };
}

/** The route where nothing breaks, and its clocks, which nothing waits for. */
const soundName = 'sound';
const soundMs = 60_000;

/**
 * Runs each program once, without a fault, one after the other. Returns what is wrong: each must end as it is meant to.
 */
async function runSound(
  upstream: Upstream,
  gateway: TestGateway,
  accepted: Accepted,
  options: FaultsOptions,
  hello: Buffer,
): Promise<string[]> {
  const wrong: string[] = [];
  const counters = gateway.gateway.counters.of(soundName);
  for (const [i, program] of programs.entries()) {
    const one: Case = { program, side: 'client', beforeTls: false, fault: null };
    upstream.begin(one);
    const { isStuck, heard } = await run(one, `${soundName}.test`, gateway, accepted, options, hello);
    if (isStuck || !heard.startsWith(`HTTP/1.1 ${program.status} `)) {
      wrong.push(`${nameOf(one)}: its client got ${JSON.stringify(heard)}`);
    }
    if (!(await within(() => totalOf(counters) === i + 1))) wrong.push(`${nameOf(one)}: counted ${totalOf(counters)}`);
  }
  return wrong;
}

/** How the handshakes of some routes ended. */
function handshakesOf({ gateway }: TestGateway, names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) {
    for (const { labels, count } of gateway.counters.of(name).handshakes.rows) {
      found[labels[0]] = (found[labels[0]] ?? 0) + count;
    }
  }
  return found;
}

function routeOf(name: string, port: number, { upstreamTls, clockMs }: FaultsOptions): Route {
  const protocol = upstreamTls ? 'https:' : 'http:';
  return routeTo(port, {
    name,
    label: name,
    hosts: [`${name}.test`],
    upstream: { protocol, host: '127.0.0.1', port, href: `${protocol}//127.0.0.1:${port}` },
    upstreamTls: { ...noUpstreamTls, insecureSkipVerify: true },
    timeouts: { connectMs: clockMs, headersMs: clockMs, handshakeMs: clockMs, closeMs: 200 },
    http: { maxBodyBytes: 1e9, inactivityMs: clockMs, maxUpstreamConnections: 1024 },
    ping: { clientMs: 200, upstreamMs: 200, timeoutMs: clockMs },
    client: { messageTimeoutMs: clockMs },
    upstreamLimits: { messageTimeoutMs: clockMs },
  });
}

/** How a case went. */
interface Told {
  /** Whether the request must have been counted. */
  readonly counts: boolean;
  readonly isStuck: boolean;
  /** The beginning of what the client got. */
  readonly heard: string;
}

async function run(
  one: Case,
  host: string,
  gateway: TestGateway,
  accepted: Accepted,
  { tls }: FaultsOptions,
  hello: Buffer,
): Promise<Told> {
  const wire = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
  wire.on('error', () => {});
  await once(wire, 'connect');
  await accepted.of(wire);
  const fault = one.side === 'client' ? one.fault : null;
  const isRaw = one.side === 'client' && one.beforeTls;
  let socket: Socket = wire;
  if (tls !== null && !isRaw) {
    const secured = connectTls({ socket: wire, servername: 'localhost', ca: cert });
    socket = secured;
    secured.allowHalfOpen = true;
    await Promise.race([once(secured, 'secureConnect'), once(secured, 'close')]).catch(() => {});
  }
  const client = new FaultySocket(socket, wire);
  const head = one.program.head(host);
  client.set(fault);
  const talk = async () => {
    if (isRaw) {
      await client.send(hello);
      await client.until('never');
      return;
    }
    await client.send(head);
    const reading = one.program.read(client);
    await client.send(one.program.body);
    await reading;
  };
  const talked = talk().then(() => client.finish());
  const isOver = await Promise.race([client.gone.then(() => true), timeout(longestMs)]);
  if (!isOver) client.destroy();
  await talked;
  return { counts: !isRaw && client.sent >= head.length, isStuck: !isOver, heard: client.heard };
}

function timeout(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), ms).unref());
}

/** Waits for the condition, and says whether it came to hold. */
async function within(holds: () => boolean): Promise<boolean> {
  for (const end = performance.now() + longestMs; !holds(); ) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
}

function totalOf({ httpRequests, handshakes }: RouteCounters): number {
  return httpRequests.total + handshakes.total;
}

/** What stays behind of what must not. Connections that rest in the pools are closed after some seconds. */
async function settle({ gateway }: TestGateway, upstreams: readonly Upstream[]): Promise<Record<string, number>> {
  const { sessions } = gateway;
  const { budget, buffers } = sessions.memory;
  const readings: Record<string, () => number> = {
    sessions: () => sessions.sessions.size,
    budget: () => budget.usedBytes,
    lingering: () => budget.lingeringBytes,
    lent: () => buffers.lentBytes,
    upstreams: () => upstreams.reduce((sum, { sockets }) => sum + sockets.size, 0),
  };
  const left: Record<string, number> = {};
  for (const [name, read] of Object.entries(readings)) if (!(await within(() => read() === 0))) left[name] = read();
  return left;
}

/** Sockets and timers of this process. */
function resources(): Record<string, number> {
  const found: Record<string, number> = { TCPSocketWrap: 0, TLSWrap: 0, Timeout: 0 };
  for (const kind of process.getActiveResourcesInfo()) if (kind in found) found[kind]!++;
  return found;
}

/** What a client says first over TLS. */
async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => socket.on('error', () => {}).once('data', resolve));
  const client = connectTls({ port: await listen(server), host: '127.0.0.1', servername: 'localhost' });
  client.on('error', () => {});
  const hello = await promise;
  client.destroy();
  server.close();
  return hello;
}

function nameOf({ program, side, beforeTls, fault }: Case): string {
  if (fault === null) return `${program.name}, nothing breaks`;
  const where = `after ${fault.at} bytes ${fault.counts}${beforeTls ? ' before TLS' : ''}`;
  return `${program.name}, the ${side} breaks by ${fault.kind} ${where}`;
}
