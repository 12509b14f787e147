/** JupyterLab and Notebook classic as their users start them, with nothing of the machine's own configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, scratchDirectory, venvProgram } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { answers, ServerProcess } from '../harness/server-process.ts';

/** What a test may choose. */
export interface JupyterOptions {
  /** Raises the message limit of its WebSockets from 10 MiB. */
  readonly maxMessageBytes?: number;
  /** Turns off the cap of 1000 messages and 1 MB of text per second on a kernel's output. */
  readonly unlimitedOutput?: boolean;
}

/** The password of every server here. */
export const token = 'a-token-of-the-tests';

/** A running server; `await using` stops it and its kernels. */
export class JupyterServer {
  readonly port: number;
  readonly url: string;
  /** Where its notebooks and files are. */
  readonly directory: string;
  readonly #process: ServerProcess;

  private constructor(port: number, directory: string, process: ServerProcess) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.directory = directory;
    this.#process = process;
  }

  /** JupyterLab (which serves Notebook 7's protocols too). */
  static lab(options: JupyterOptions = {}): Promise<JupyterServer> {
    return JupyterServer.#start('modern', ['lab'], 'jupyter_server_config', (port, directory) => ({
      ServerApp: { ...common(port), root_dir: directory, tornado_settings: tornadoSettings(options) },
      IdentityProvider: { token },
      ZMQChannelsWebsocketConnection: { limit_rate: !options.unlimitedOutput },
      LabApp: { news_url: null, extension_manager: 'readonly' },
    }));
  }

  /** Notebook 6, which knows no subprotocol. */
  static classic(options: JupyterOptions = {}): Promise<JupyterServer> {
    return JupyterServer.#start('classic', ['notebook'], 'jupyter_notebook_config', (port, directory) => ({
      NotebookApp: {
        ...common(port),
        notebook_dir: directory,
        token,
        tornado_settings: tornadoSettings(options),
        ...(options.unlimitedOutput ? { iopub_data_rate_limit: 1e12, iopub_msg_rate_limit: 1e12 } : {}),
      },
    }));
  }

  static async #start(
    environment: Environment,
    command: readonly string[],
    configName: string,
    config: (port: number, directory: string) => object,
  ): Promise<JupyterServer> {
    const port = await freePort();
    const home = scratchDirectory('jupyter');
    const directory = join(home, 'work');
    const settings = join(home, 'config');
    for (const path of [directory, settings]) mkdirSync(path);
    writeFileSync(join(settings, `${configName}.json`), JSON.stringify(config(port, directory)));
    writeLabSettings(join(settings, 'lab', 'user-settings'));
    const process = await ServerProcess.start({
      name: command[0]!,
      command: venvProgram(environment, 'jupyter'),
      args: command,
      cwd: directory,
      env: {
        HOME: home,
        JUPYTER_CONFIG_DIR: settings,
        JUPYTER_DATA_DIR: join(home, 'data'),
        JUPYTER_RUNTIME_DIR: join(home, 'runtime'),
        JUPYTERLAB_SETTINGS_DIR: join(settings, 'lab', 'user-settings'),
        IPYTHONDIR: join(home, 'ipython'),
        PATH: `${venvProgram(environment, '')}:${globalThis.process.env.PATH}`,
      },
      ready: answers(`http://127.0.0.1:${port}/api/kernels?token=${token}`),
    });
    return new JupyterServer(port, directory, process);
  }

  /** Writes a notebook with these code cells and gives its name. */
  writeNotebook(name: string, cells: readonly string[]): string {
    writeNotebook(join(this.directory, name), cells);
    return name;
  }

  get output(): string {
    return this.#process.output;
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function common(port: number): object {
  return { ip: '127.0.0.1', port, port_retries: 0, open_browser: false, allow_root: true };
}

function tornadoSettings({ maxMessageBytes }: JupyterOptions): object {
  return maxMessageBytes === undefined ? {} : { websocket_max_message_size: maxMessageBytes };
}

/** Writes a notebook with these code cells. */
export function writeNotebook(path: string, sources: readonly string[]): void {
  const cells = sources.map((source, i) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }));
  const metadata = { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } };
  writeFileSync(path, JSON.stringify({ cells, metadata, nbformat: 4, nbformat_minor: 5 }));
}

/** JupyterLab asks on its first start whether it may fetch news; tests talk to nobody outside. */
export function writeLabSettings(directory: string): void {
  const extension = join(directory, '@jupyterlab', 'apputils-extension');
  mkdirSync(extension, { recursive: true });
  writeFileSync(
    join(extension, 'notification.jupyterlab-settings'),
    JSON.stringify({ fetchNews: 'false', checkForUpdates: false }),
  );
}
