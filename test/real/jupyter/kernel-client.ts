/** A kernel driven by `@jupyterlab/services`, the code that runs in JupyterLab's page, with its sockets on record. */
import { KernelAPI, KernelConnection, type KernelMessage, ServerConnection } from '@jupyterlab/services';
import WebSocket from 'ws';
import { token } from './jupyter-server.ts';

/** How a socket of the client ended, as the client saw it. */
export interface SeenClose {
  readonly code: number;
  readonly reason: string;
}

/** One socket that the client opened. */
export interface SeenSocket {
  readonly socket: WebSocket;
  /** Sizes of the messages sent over it, in order. */
  readonly sent: number[];
  /** Resolves with the close code and reason. */
  readonly closed: Promise<SeenClose>;
}

/** A kernel of its own on a server and a connection to it; `await using` disposes both. */
export class KernelClient {
  readonly kernel: InstanceType<typeof KernelConnection>;
  /** Every socket opened so far, the current one last. */
  readonly sockets: readonly SeenSocket[];
  readonly settings: ServerConnection.ISettings;

  private constructor(
    kernel: InstanceType<typeof KernelConnection>,
    settings: ServerConnection.ISettings,
    sockets: readonly SeenSocket[],
  ) {
    this.kernel = kernel;
    this.settings = settings;
    this.sockets = sockets;
  }

  /** Starts a kernel through `baseUrl` and connects to it. */
  static async start(baseUrl: string, name = 'python3'): Promise<KernelClient> {
    const sockets: SeenSocket[] = [];
    const settings = serverSettings(baseUrl, sockets);
    const model = await KernelAPI.startNew({ name }, settings);
    const client = new KernelClient(new KernelConnection({ model, serverSettings: settings }), settings, sockets);
    await client.connection('connected');
    return client;
  }

  get current(): SeenSocket {
    return this.sockets.at(-1)!;
  }

  /** Resolves when the connection has this status, now or later. */
  async connection(status: 'connected' | 'connecting' | 'disconnected'): Promise<void> {
    if (this.kernel.connectionStatus === status) return;
    await new Promise<void>((resolve) => {
      const changed = (_: unknown, now: string): void => {
        if (now !== status) return;
        this.kernel.connectionStatusChanged.disconnect(changed);
        resolve();
      };
      this.kernel.connectionStatusChanged.connect(changed);
    });
  }

  /** Runs code; `padding` characters in the message's metadata make it larger without giving the kernel work. */
  run(code: string, padding = 0): Execution {
    const metadata = { padding: 'x'.repeat(padding) };
    return new Execution(this.kernel.requestExecute({ code, store_history: false }, true, metadata));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { id } = this.kernel;
    this.kernel.dispose();
    await KernelAPI.shutdownKernel(id, this.settings).catch(() => undefined);
  }
}

/** One execute_request and what came of it. */
export class Execution {
  /** Stream texts, results and displays, each once, in the order they came. */
  readonly outputs: string[] = [];
  readonly done: Promise<KernelMessage.IExecuteReplyMsg>;
  #waiting: { holds: (text: string) => boolean; resolve: () => void }[] = [];

  constructor(future: ReturnType<InstanceType<typeof KernelConnection>['requestExecute']>) {
    // A connection that is disposed while the kernel is busy rejects this; a test that cares awaits it itself.
    this.done = future.done as Promise<KernelMessage.IExecuteReplyMsg>;
    this.done.catch(() => undefined);
    future.onIOPub = (message) => {
      const text = outputText(message);
      if (text === null) return;
      this.outputs.push(text);
      this.#waiting = this.#waiting.filter(({ holds, resolve }) => !holds(this.text) || resolve());
    };
  }

  get text(): string {
    return this.outputs.join('');
  }

  /** The lines of `text`, the empty one at the end left out. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  /** Resolves when the output so far holds. */
  async shown(holds: (text: string) => boolean): Promise<void> {
    if (!holds(this.text)) await new Promise<void>((resolve) => this.#waiting.push({ holds, resolve }));
  }
}

/** Settings of the client for a server behind `baseUrl`, whose sockets are recorded in `sockets`. */
export function serverSettings(baseUrl: string, sockets: SeenSocket[] = []): ServerConnection.ISettings {
  class RecordedSocket extends WebSocket {
    readonly #sent: number[] = [];
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      sockets.push({
        socket: this,
        sent: this.#sent,
        closed: new Promise((resolve) =>
          this.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
        ),
      });
    }
    override send(data: ArrayBuffer | string): void {
      this.#sent.push(Buffer.byteLength(data));
      super.send(data);
    }
  }
  return ServerConnection.makeSettings({
    baseUrl: `${baseUrl}/`,
    wsUrl: `${baseUrl.replace('http', 'ws')}/`,
    token,
    appendToken: true,
    WebSocket: RecordedSocket as unknown as typeof globalThis.WebSocket,
  });
}

function outputText(message: KernelMessage.IIOPubMessage): string | null {
  switch (message.header.msg_type) {
    case 'stream':
      return (message as KernelMessage.IStreamMsg).content.text;
    case 'execute_result':
    case 'display_data':
      return String((message as KernelMessage.IDisplayDataMsg).content.data['text/plain']);
    case 'error':
      return (message as KernelMessage.IErrorMsg).content.traceback.join('\n');
    default:
      return null;
  }
}
