/** Bokeh's wire protocol by hand: a page's token, its WebSocket, and messages of any size. */
import { once } from 'node:events';
import { get } from 'node:http';
import { WebSocket } from 'ws';

/** A handshake that was answered with something else than 101; 0 where the connection just ended. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the handshake was answered with ${status}`);
    this.status = status;
  }
}

/** The token in the page of an application; it holds the request's headers and cookies. */
export async function pageToken(pageUrl: string, cookie = ''): Promise<string> {
  const request = get(pageUrl, { headers: cookie === '' ? {} : { cookie } });
  const [response] = await once(request, 'response');
  let page = '';
  for await (const piece of response.setEncoding('utf8')) page += piece;
  const token = /"token":"([^"]+)"/.exec(page)?.[1];
  if (token === undefined) throw new Error(`no token in ${pageUrl}, which answered ${response.statusCode}`);
  return token;
}

/** A client of one Bokeh session that has read the server's greeting. */
export class BokehSocket {
  readonly #socket: WebSocket;
  readonly #received: string[] = [];
  #wake = (): void => undefined;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.#received.push(String(data));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    socket.on('error', () => undefined);
  }

  /** Opens `<page>/ws` with a token and awaits the ACK; throws `Refused` where there is no tunnel. */
  static async open(pageUrl: string, token: string): Promise<BokehSocket> {
    const bokeh = BokehSocket.dial(pageUrl, token);
    const socket = bokeh.#socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('unexpected-response', (request, response) => {
        request.destroy();
        reject(new Refused(response.statusCode ?? 0));
      });
      socket.once('error', () => reject(new Refused(0)));
    });
    const greeting = await bokeh.receive();
    if (greeting !== 'ACK') throw new Error(`expected an ACK, received ${greeting}`);
    return bokeh;
  }

  /** Opens `<page>/ws` with a token and awaits nothing. */
  static dial(pageUrl: string, token: string): BokehSocket {
    return new BokehSocket(new WebSocket(`${pageUrl.replace('http', 'ws')}/ws`, ['bokeh', token]));
  }

  /** Sends the three WebSocket messages of one Bokeh message. */
  send(header: object, content: string): void {
    this.#socket.send(JSON.stringify(header));
    this.#socket.send('{}');
    this.#socket.send(content);
  }

  /** A document patch without a change, whose content is a message of exactly so many bytes. */
  sendPatch(bytes: number): void {
    const frame = '{"events":[],"padding":""}';
    const content = frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
    this.send({ msgid: '1', msgtype: 'PATCH-DOC' }, content);
  }

  /** The type of the next Bokeh message without buffers; `undefined` where the connection ends first. */
  async receive(): Promise<string | undefined> {
    while (this.#received.length < 3) {
      if (this.#socket.readyState === WebSocket.CLOSED) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const [header] = this.#received.splice(0, 3);
    return (JSON.parse(header!) as { msgtype: string }).msgtype;
  }

  async close(): Promise<void> {
    this.#socket.close(1000);
    await this.closed;
  }
}
