/** What a server without a page of its own is put through, directly and through Sluice with its preset. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { PresetName } from '../../../src/config/model/presets.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import type { RunningApp } from './page-suite.ts';

/** A server that is spoken to over a WebSocket. */
export interface SocketApp {
  readonly preset: PresetName;
  readonly start: () => Promise<RunningApp>;
  /** A message that the server answers, with so many bytes. */
  readonly message: (bytes: number) => string;
  /** The largest message that it takes. */
  readonly takes: number;
  readonly directCodes: readonly number[];
}

const ways = ['directly', 'through Sluice'] as const;
type Way = (typeof ways)[number];
const silenceMs = 70_000;

/** Declares the tests of one server. */
export function socketSuite(name: string, app: SocketApp): void {
  describe(name, () => {
    let server: RunningApp;
    let sluice: Sluice;
    const idle = new Map<Way, { socket: WebSocket; since: number }>();

    async function opened(way: Way): Promise<WebSocket> {
      const port = way === 'directly' ? server.port : sluice.port;
      const socket = new WebSocket(`ws://127.0.0.1:${port}${server.path}`, {
        perMessageDeflate: false,
        origin: `http://127.0.0.1:${port}`,
      });
      await once(socket, 'open');
      return socket;
    }

    /** Resolves with what the server answered, or with the code and the reason of the close. */
    async function ask(
      socket: WebSocket,
      bytes: number,
    ): Promise<{ answer: string } | { code: number; reason: string }> {
      const answered = once(socket, 'message').then(([data]) => ({ answer: String(data) }));
      const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
      socket.on('error', () => {});
      socket.send(app.message(bytes));
      return Promise.race([answered, closed]);
    }

    beforeAll(async () => {
      server = await app.start();
      sluice = await Sluice.start({
        routes: [{ name, upstream: `http://127.0.0.1:${server.port}`, preset: app.preset }],
      });
      for (const way of ways) idle.set(way, { socket: await opened(way), since: performance.now() });
    });

    afterAll(async () => {
      for (const { socket } of idle.values()) socket.terminate();
      await sluice?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    it.for(ways)('%s, a message of its limit is taken', async (way) => {
      const socket = await opened(way);
      for (const bytes of [app.takes - 1, app.takes]) {
        expect(await ask(socket, bytes)).toEqual({ answer: expect.any(String) });
      }
      socket.terminate();
    });

    it.for(ways)('%s, one byte more is refused', async (way) => {
      const end = await ask(await opened(way), app.takes + 1);
      if (way === 'directly') {
        expect(end).toEqual({
          code: expect.toSatisfy((code) => app.directCodes.includes(code)),
          reason: expect.any(String),
        });
      } else {
        expect(end).toEqual({ code: 1009, reason: expect.stringContaining(`(route ${name})`) });
      }
    });

    it.for(ways)('%s, a socket that was silent for more than a minute is alive', async (way) => {
      const { socket, since } = idle.get(way)!;
      await delay(Math.max(0, silenceMs - (performance.now() - since)));
      expect(await ask(socket, 100)).toEqual({ answer: expect.any(String) });
    });

    it('a gateway that goes away says 1012', async () => {
      const socket = await opened('through Sluice');
      const closed = once(socket, 'close');
      await sluice.stop();
      expect((await closed)[0]).toBe(1012);
    });
  });
}
