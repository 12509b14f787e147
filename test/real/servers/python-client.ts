/** The client of `client.py`: Python's `websockets`, one process for all tests of a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { venvProgram } from '../harness/paths.ts';

/** How a connection ended as the client saw it; null where no close frame came. */
export interface Ending {
  readonly code: number | null;
  readonly reason: string | null;
}

/** What came of one message: the answer, if there was one, and the ending. */
export interface Exchange extends Ending {
  /** Of the message sent. */
  readonly sha256: string;
  readonly answer?: string;
  /** The fragment after which a ping of ours had its pong. */
  readonly pong_at_fragment?: number;
  /** Where the handshake was refused. */
  readonly status?: number;
}

/** A refused handshake. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** What the file service answered to one request. */
export interface FileAnswer {
  readonly answer: Readonly<Record<string, unknown>>;
  readonly chunks: readonly number[];
  readonly sha256: string;
}

/** What a connection gave when it was read to its end. */
export interface Drained extends Ending {
  readonly messages: number;
  readonly ordered: boolean;
}

interface Operations {
  exchange: [{ uri: string; bytes: number; kind?: 'text' | 'binary'; fragments?: number; ping?: boolean }, Exchange];
  await_close: [{ uri: string; patience?: number }, Ending];
  close_with: [{ uri: string; code: number; reason: string }, Ending];
  refusal: [{ uri: string }, Refusal];
  open_unread: [{ uri: string; name: string }, object];
  read_all: [{ name: string }, Drained];
  ask_files: [{ uri: string; requests: readonly object[] }, { readonly answers: readonly FileAnswer[] }];
}

/** The running client; `await using` ends it. */
export class PythonClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, (result: Record<string, unknown>) => void>();
  readonly #gone: Promise<unknown>;
  #next = 0;

  constructor() {
    this.#child = spawn(venvProgram('modern', 'python'), [fileURLToPath(new URL('client.py', import.meta.url))], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#gone = once(this.#child, 'exit');
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      const { id, ...result } = JSON.parse(line) as { id: number };
      this.#pending.get(id)?.(result);
      this.#pending.delete(id);
    });
  }

  /** Runs one operation of `client.py`; throws what went wrong in it. */
  async run<O extends keyof Operations>(op: O, parameters: Operations[O][0]): Promise<Operations[O][1]> {
    const id = this.#next++;
    const done = new Promise<Record<string, unknown>>((resolve) => this.#pending.set(id, resolve));
    this.#child.stdin!.write(`${JSON.stringify({ id, op, ...parameters })}\n`);
    const result = await Promise.race([done, this.#gone.then(() => ({ error: 'the client process ended' }))]);
    if ('error' in result) throw new Error(`${op} ${JSON.stringify(parameters)}: ${String(result.error)}`);
    return result as unknown as Operations[O][1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#gone;
  }
}
