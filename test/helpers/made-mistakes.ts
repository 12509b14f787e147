/**
 * Loaded into Sluice before its own code: who sends certain words, or comes with a certain number of messages, makes it
 * throw where a mistake of its own would. Each is thrown in another place, and comes from another kind of event: of a
 * socket, of Node's HTTP, of a clock, of a round.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { AdminConnection } from '../../src/admin/connection.ts';
import { CarefulExchange } from '../../src/front/careful/exchange.ts';
import { Entry } from '../../src/front/entry.ts';
import { FastConnection } from '../../src/front/fast/fast-connection.ts';
import { Recorder } from '../../src/front/recorder.ts';
import { Direction } from '../../src/relay/core/direction.ts';
import { Leg } from '../../src/relay/leg.ts';
import { Session } from '../../src/relay/session.ts';
import type { SessionInit } from '../../src/relay/types.ts';

function throwIn<T extends object, K extends keyof T>(
  place: T,
  method: K,
  when: (self: T, args: unknown[]) => boolean,
) {
  const usual = place[method] as (...args: unknown[]) => unknown;
  const throwing = function (this: T, ...args: unknown[]): unknown {
    if (when(this, args)) throw new Error(`made on purpose in ${String(method)}`);
    return usual.apply(this, args);
  };
  Object.assign(place, { [method]: throwing });
}

const says = ([chunk, start, end]: unknown[], words: string): boolean =>
  (chunk as Buffer).subarray(start as number, end as number).includes(words);

throwIn(Direction.prototype, 'read', (_, args) => says(args, 'a mistake in a side'));
throwIn(FastConnection.prototype, 'read', (_, args) => says(args, 'GET /mistake'));
throwIn(Session.prototype, 'tick', ({ facts }) => facts.path === '/tick');
throwIn(Leg.prototype, 'onEnd', ({ role, inbound }) => role === 'upstream' && inbound.record.messages === 3);
throwIn(Direction.prototype, 'finish', ({ record }) => record.messages === 41);
throwIn(Direction.prototype, 'discard', ({ record }) => record.messages === 42);
throwIn(Direction.prototype, 'stopAfterMessage', ({ record }) => record.messages === 43);
throwIn(Direction.prototype, 'rateOver', ({ record }) => record.messages >= 100);
throwIn(Direction.prototype, 'onRound', ({ record }) => record.messages > 30_000);
throwIn(Recorder.prototype, 'opened', (_, [init]) => (init as SessionInit).facts.path === '/in-opened');

// The careful lane.
const isFor = ([, req]: unknown[], path: string): boolean => (req as IncomingMessage).url === path;
throwIn(Entry.prototype, 'request', (_, args) => isFor(args, '/in-request'));
throwIn(Entry.prototype, 'switched', (_, args) => isFor(args, 'http://gateway.test/in-switched'));
throwIn(CarefulExchange.prototype, 'dialled', (_, [req]) => (req as ClientRequest).path === '/in-dialled');
throwIn(CarefulExchange.prototype, 'answered', (_, [res]) => {
  return (res as { readonly req: ClientRequest }).req.path === '/in-answered';
});
throwIn(Socket.prototype, 'pause', () => new Error().stack?.includes('#onUpgrade') === true);

throwIn(AdminConnection.prototype, 'push', (_, [chunk]) => (chunk as Buffer | null)?.includes('GET /mistake') === true);

// What nobody catches.
process.on('SIGUSR2', () => {
  throw new Error('made on purpose in a signal');
});
