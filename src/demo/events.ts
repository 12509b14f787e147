/** Server-sent events: what the page sees live. One hub, any number of tabs. */
import type { ServerResponse } from 'node:http';

/** Sends named JSON events to every open `/events` response. */
export class EventHub {
  readonly #open = new Set<ServerResponse>();
  /** What a tab is told first; set by the backend. */
  welcome: () => readonly [event: string, data: unknown][] = () => [];

  /** Whether anybody watches. */
  get watched(): boolean {
    return this.#open.size > 0;
  }

  /** Makes a response an event stream until its reader leaves. */
  subscribe(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for (const [event, data] of this.welcome()) response.write(frame(event, data));
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
  }

  /** Sends one event to everyone. A tab that does not read misses events instead of filling memory. */
  send(event: string, data: unknown): void {
    const text = frame(event, data);
    for (const response of this.#open) if (!response.writableEnded && !response.writableNeedDrain) response.write(text);
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#open) response.end();
  }
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
