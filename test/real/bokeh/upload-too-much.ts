/** An upload by a page's own WebSocket. Runs in a page. */

/** What to send, where and how often. */
export interface OversizeOrder {
  /** A Bokeh application's page. */
  readonly url: string;
  readonly bytes: number;
  readonly times: number;
}

/**
 * Sends one message on each of so many connections to one session, one after another, and tells how each ended, as
 * `<code> <reason>`. Self-contained: it is sent to the page as text.
 */
export async function uploadTooMuch({ url, bytes, times }: OversizeOrder): Promise<string[]> {
  const data = new Uint8Array(bytes);
  const page = await (await fetch(url)).text();
  const token = /"token":"([^"]+)"/.exec(page)![1]!;
  const endings: string[] = [];
  for (let i = 0; i < times; i++) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, ['bokeh', token]);
    const ended = new Promise<string>((resolve) => {
      socket.onclose = ({ code, reason }) => resolve(`${code} ${reason}`);
    });
    socket.onopen = () => socket.send(data);
    endings.push(await ended);
  }
  return endings;
}
