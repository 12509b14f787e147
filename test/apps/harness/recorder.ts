/**
 * Records the WebSockets of a page, so that a test sees how each ended and can send a message of its own size on one.
 */
import type { Page } from 'playwright-core';

/** A WebSocket of a page. */
export interface RecordedSocket {
  readonly url: string;
  /** Undefined while it is open. */
  readonly code?: number;
  readonly reason?: string;
}

/** Runs in the page before its own scripts. */
const recorder = `(() => {
  const Native = window.WebSocket;
  window.recordedSockets = [];
  window.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      const record = { socket: this, url: this.url };
      window.recordedSockets.push(record);
      const send = this.send.bind(this);
      this.send = (data) => {
        record.first ??= data;
        send(data);
      };
      this.addEventListener('close', ({ code, reason }) => Object.assign(record, { code, reason }));
    }
  };
})()`;

/** Must come before the page is opened. */
export async function recordSockets(page: Page): Promise<void> {
  await page.addInitScript(recorder);
}

/** The sockets whose URL has this part, in the order in which they were opened. */
export async function socketsOf(page: Page, part: string): Promise<RecordedSocket[]> {
  const sockets = (await page.evaluate(
    'window.recordedSockets.map(({ url, code, reason }) => ({ url, code, reason }))',
  )) as RecordedSocket[];
  return sockets.filter(({ url }) => url.includes(part));
}

/**
 * Sends on the newest such socket what `expression` gives for `bytes` and `first`, the first message that the page has
 * sent there: a string of ASCII or a Uint8Array of that length.
 */
export async function sendOn(page: Page, part: string, expression: string, bytes: number): Promise<void> {
  await page.evaluate(`(() => {
    const bytes = ${bytes};
    const { socket, first } = window.recordedSockets.findLast(({ url }) => url.includes(${JSON.stringify(part)}));
    const message = ${expression};
    if (message.length !== bytes) throw new Error('the message has ' + message.length + ' bytes, not ' + bytes);
    socket.send(message);
  })()`);
}
