/** What clients do in one round: everything that the alerts and the dashboard speak of. */
import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

/** How often each kind of trouble happens in a round: enough, over two rounds, for the thresholds of the alerts. */
const times = 4;

/** The routes of the gateway under test. */
export function routes(backendPort: number, closedPort: number): object[] {
  const upstream = `http://127.0.0.1:${backendPort}`;
  const route = (name: string, limits: object, more: object = {}) => ({
    name,
    match: { path: `/${name}` },
    upstream,
    limits,
    ping: { client: '1s', timeout: '5m' },
    ...more,
  });
  return [
    route(
      'echo',
      {
        client: { max_message_size: '64KiB', max_frame_size: '32KiB', max_fragments: 4 },
        upstream: { max_message_size: '1MiB' },
      },
      { http: { max_body_size: '64KiB' } },
    ),
    route('rates', { client: { max_message_rate: { rate: '5/s', burst: 5, action: 'close' } } }),
    route('polite', { client: { max_message_rate: { rate: '20/s', burst: 5, action: 'pause' } } }),
    route('slow', { upstream: { max_buffer_size: '64KiB', max_pause: '1s' } }),
    route('stuck', { upstream: { max_buffer_size: '64KiB', max_pause: '10m' } }),
    route('fragile', {}),
    route('capped', { connections: { max: 1 } }),
    route('origins', {}, { origins: ['https://apps.example.org'] }),
    { ...route('down', {}), upstream: `http://127.0.0.1:${closedPort}` },
  ];
}

/** One client side of the gateway. Connections that stay open are closed by `close()`. */
export class Clients {
  readonly #base: string;
  readonly #open: WebSocket[] = [];

  constructor(port: number) {
    this.#base = `127.0.0.1:${port}`;
  }

  /** Everything once. */
  async round(): Promise<void> {
    const all = (act: () => Promise<unknown>) => Promise.all(Array.from({ length: times }, act));
    await Promise.all([
      this.#echo(),
      all(() => this.#closedAfter('/echo', (socket) => socket.send(Buffer.alloc(40_000)))),
      all(() => this.#closedAfter('/echo', (socket) => socket.send(Buffer.alloc(70_000), { fin: false }))),
      all(() => this.#closedAfter('/echo', (socket) => fragments(socket, 6, 20_000))),
      all(() => this.#closedAfter('/echo', (socket) => fragments(socket, 6, 1))),
      all(() => this.#closedAfter('/echo', (socket) => socket.send('grow'))),
      all(() => this.#closedAfter('/fragile', (socket) => socket.send('crash'))),
      all(() => this.#closedAfter('/rates', (socket) => burst(socket, 20))),
      all(() => this.#stopsReading('/slow')),
      all(() => this.#refused('/down')),
      all(() => this.#refused('/origins', { origin: 'https://elsewhere.example.org' })),
      this.#politely(),
      this.#capped(),
      this.#stopsReading('/stuck'),
      this.#http(),
    ]);
    // Nothing of these comes to an end by itself: they are there at the next scrape.
    this.#open.push(await this.#connect('/echo'));
  }

  close(): void {
    for (const socket of this.#open) socket.terminate();
  }

  async #connect(path: string, options: ClientOptions = {}): Promise<WebSocket> {
    const socket = new WebSocket(`ws://${this.#base}${path}`, options);
    socket.on('error', () => {});
    await once(socket, 'open');
    return socket;
  }

  async #echo(): Promise<void> {
    const socket = await this.#connect('/echo', { headers: { 'X-Forwarded-Proto': 'https' } });
    for (const message of ['text', Buffer.alloc(5000), Buffer.alloc(30_000)]) {
      socket.send(message);
      await once(socket, 'message');
    }
    socket.close(1000);
    await once(socket, 'close');
  }

  /** A rate that pauses: all messages come back, later. */
  async #politely(): Promise<void> {
    const socket = await this.#connect('/polite');
    let left = 15;
    const done = new Promise<void>((resolve) => {
      socket.on('message', () => {
        if (--left === 0) resolve();
      });
    });
    burst(socket, left);
    await done;
    socket.close();
    await once(socket, 'close');
  }

  /** Does something for which the gateway closes the connection. */
  async #closedAfter(path: string, act: (socket: WebSocket) => void): Promise<void> {
    const socket = await this.#connect(path);
    const closed = once(socket, 'close');
    act(socket);
    await closed;
  }

  /** Asks for more than the kernel's buffers hold, and reads none of it. */
  async #stopsReading(path: string): Promise<void> {
    const socket = await this.#connect(path);
    socket.pause();
    socket.send('flood');
    this.#open.push(socket);
  }

  async #capped(): Promise<void> {
    const first = await this.#connect('/capped').catch(() => null);
    for (let i = 0; i < times; i++) await this.#refused('/capped');
    first?.close();
    if (first) await once(first, 'close');
  }

  async #refused(path: string, options: ClientOptions = {}): Promise<void> {
    const socket = new WebSocket(`ws://${this.#base}${path}`, options);
    await once(socket, 'error');
  }

  async #http(): Promise<void> {
    const url = `http://${this.#base}/echo`;
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    for (let i = 0; i < times; i++) {
      await (await fetch(url, { headers })).text();
      await (await fetch(url, { method: 'POST', body: 'x'.repeat(3000), headers })).text();
      await (await fetch(`http://${this.#base}/down`)).text();
      await (await fetch(url, { method: 'POST', body: 'x'.repeat(70_000), headers })).text().catch(() => {});
      await (await fetch(`http://${this.#base}/nowhere`, { headers })).text();
    }
  }
}

function fragments(socket: WebSocket, count: number, size: number): void {
  for (let i = 1; i <= count; i++) socket.send(Buffer.alloc(size), { fin: i === count });
}

function burst(socket: WebSocket, count: number): void {
  for (let i = 0; i < count; i++) socket.send('x');
}
