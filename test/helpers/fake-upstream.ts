/** An upstream of bare TCP: it completes WebSocket handshakes, or answers whatever the test says. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { listen } from './listen.ts';
import { Peer } from './peer.ts';

/** One connection to the upstream, after its request header was read. */
export interface UpstreamPeer extends Peer {
  /** The request's header block, as it came. */
  readonly request: string;
}

export interface FakeUpstreamOptions {
  /**
   * Whether connections are answered with a valid 101 (the default), with a text of the test's, or not at all
   * (`null`: the test does it through the peer).
   */
  readonly answer?: ((request: string) => string | null) | undefined;
  /** Whether a connection stays open towards Sluice after a FIN from there; false unless given. */
  readonly allowHalfOpen?: boolean;
}

export interface FakeUpstream {
  readonly port: number;
  /** Connections whose request has arrived, in order, gone ones too. */
  readonly peers: readonly UpstreamPeer[];
  /** TCP connections that were ever accepted. */
  readonly accepted: number;
  /** TCP connections that are open now. */
  readonly open: number;
  /** The next connection whose request has arrived and that was not returned before. */
  next(): Promise<UpstreamPeer>;
  /** Resolves when no TCP connection is open. */
  idle(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The header of that name in a header block; `undefined` where it is absent. */
export function headerOf(block: string, name: string): string | undefined {
  return headersOf(block, name)[0];
}

/** Every value of that header, in order. */
export function headersOf(block: string, name: string): string[] {
  const prefix = `${name.toLowerCase()}:`;
  const lines = block.split('\r\n').filter((line) => line.toLowerCase().startsWith(prefix));
  return lines.map((line) => line.slice(prefix.length).trim());
}

/** What a server must answer to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2). */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** A valid 101 to a request, with further header lines. */
export function switching(request: string, ...lines: string[]): string {
  const accept = acceptFor(headerOf(request, 'Sec-WebSocket-Key') ?? '');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  return [...head, `Sec-WebSocket-Accept: ${accept}`, ...lines, '', ''].join('\r\n');
}

/** A valid 101 to a handshake, and 200 to any other request, behind which the connection ends. */
export function switchingOrOk(request: string): string {
  if (request.includes('Upgrade: websocket')) return switching(request);
  return 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok';
}

/** Starts an upstream on a free port. */
export async function fakeUpstream({
  answer = (request) => switching(request),
  allowHalfOpen = false,
}: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const peers: UpstreamPeer[] = [];
  const all = new Set<Peer>();
  const waiting: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let accepted = 0;
  let returned = 0;
  const server = createServer({ allowHalfOpen }, (socket) => {
    accepted++;
    const peer = new Peer(socket);
    all.add(peer);
    void peer.gone.then(() => {
      all.delete(peer);
      if (all.size === 0) for (const wake of idle.splice(0)) wake();
    });
    void peer.head().then(
      (request) => {
        const text = answer(request);
        if (text !== null) peer.sendText(text);
        peers.push(Object.assign(peer, { request }));
        for (const wake of waiting.splice(0)) wake();
      },
      () => socket.destroy(),
    );
  });
  const port = await listen(server);
  return {
    port,
    peers,
    get accepted() {
      return accepted;
    },
    get open() {
      return all.size;
    },
    async next() {
      while (peers.length <= returned) await new Promise<void>((wake) => waiting.push(wake));
      return peers[returned++]!;
    },
    async idle() {
      while (all.size > 0) await new Promise<void>((wake) => idle.push(wake));
    },
    async [Symbol.asyncDispose]() {
      for (const peer of all) peer.socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
