/** An echo in a thread of its own, through a Sluice: what its messages wait. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Where } from './echo-thread.ts';

export class Echo {
  readonly #thread = new Worker(new URL('./echo-thread.ts', import.meta.url));
  readonly #backendPort = this.#answer();

  /** Where a route of the Sluice is to lead. */
  backendPort(): Promise<number> {
    return this.#backendPort;
  }

  /** From now on through this Sluice; what is returned ends it, before that ends. */
  connect(where: Where): AsyncDisposable {
    this.#thread.postMessage(where);
    return this;
  }

  /** The longest that a message took since the last time, in ms. */
  longest(): Promise<number> {
    this.#thread.postMessage('longest');
    return this.#answer();
  }

  /** Resolves when the message that is under way, or else the next one, is back. */
  async next(): Promise<void> {
    this.#thread.postMessage('next');
    await this.#answer();
  }

  /** What 99 messages in a hundred took at most since the last time, in ms. */
  p99(): Promise<number> {
    this.#thread.postMessage('p99');
    return this.#answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }

  async #answer(): Promise<number> {
    return (await once(this.#thread, 'message'))[0] as number;
  }
}
