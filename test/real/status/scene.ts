/**
 * A Sluice with three routes before one WebSocket server, and clients that do what people do: chat, upload, download,
 * stall.
 */
import { once } from 'node:events';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { Sluice, type SluiceConfig, type SluiceOptions } from '../harness/sluice.ts';

/** Limits that a test can reach in an instant. */
export const limits = { panelMessage: 64 * 1024, panelConnections: 40 };

export class Scene implements AsyncDisposable {
  readonly sluice: Sluice;
  readonly #config: SluiceConfig;
  readonly #server: WebSocketServer;
  readonly #clients = new Set<WebSocket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor(sluice: Sluice, config: SluiceConfig, server: WebSocketServer) {
    this.sluice = sluice;
    this.#config = config;
    this.#server = server;
  }

  /** Starts it; `more` is added to the configuration. */
  static async start(more: Partial<SluiceConfig> = {}, options: SluiceOptions = {}): Promise<Scene> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    server.on('connection', answer);
    await once(server, 'listening');
    const config = { ...configFor((server.address() as { port: number }).port), ...more };
    return new Scene(await Sluice.start(config, options), config, server);
  }

  /** A connected client; `address` is what a trusted proxy would say of it. */
  async connect(path: string, address?: string): Promise<WebSocket> {
    const headers = address === undefined ? {} : { 'X-Forwarded-For': address };
    const url = `ws://127.0.0.1:${this.sluice.port}${path}`;
    const client = new WebSocket(url, { perMessageDeflate: false, headers });
    this.#clients.add(client);
    client.on('error', () => {}).on('close', () => this.#clients.delete(client));
    await once(client, 'open');
    return client;
  }

  /** Sends a message of `size()` bytes each `everyMs` for as long as the scene lasts. */
  chat(client: WebSocket, everyMs: number, size: () => number): void {
    this.#timers.add(
      setInterval(() => {
        if (client.readyState === WebSocket.OPEN) client.send(Buffer.alloc(size()));
      }, everyMs),
    );
  }

  /** A client that asks for a download and reads none of it: the server ends up paused. */
  async stall(path: string, address?: string): Promise<WebSocket> {
    const client = await this.connect(path, address);
    client.send('download');
    client.pause();
    return client;
  }

  /** Writes a configuration that cannot be loaded. */
  breakConfiguration(): void {
    const [first, ...others] = this.#config.routes;
    this.sluice.write({ ...this.#config, routes: [{ ...first, upstream: 'nowhere' }, ...others] });
  }

  /** Writes the one from the beginning again. */
  mendConfiguration(): void {
    this.sluice.write(this.#config);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const client of this.#clients) client.terminate();
    await this.sluice.stop();
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }
}

/** The server: it echoes, and sends 64 MiB to whoever asks. */
function answer(socket: WebSocket): void {
  socket.on('error', () => {});
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      socket.send(data, { binary: true });
      return;
    }
    for (let i = 0; i < 1024; i++) socket.send(Buffer.alloc(65_536));
  });
}

function configFor(port: number): SluiceConfig {
  const upstream = `http://127.0.0.1:${port}`;
  return {
    routes: [
      {
        name: 'panel',
        match: { path: '/panel' },
        upstream,
        limits: {
          client: { max_message_size: limits.panelMessage },
          connections: { max: limits.panelConnections, max_per_address: 30 },
        },
      },
      { name: 'jupyter', match: { path: '/jupyter' }, upstream, preset: 'jupyter' },
      {
        name: 'uploads',
        match: { path: '/uploads' },
        upstream,
        limits: { client: { max_message_size: '256KiB', max_byte_rate: '512KiB/s' } },
      },
    ],
  };
}
