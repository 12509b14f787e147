/**
 * Loaded into Sluice before its own code: who sends certain words makes it throw where a mistake of its own would. Each
 * is thrown in another place: where a WebSocket's side and where a client's line is read, in a tick, at an end.
 */
import { FastConnection } from '../../src/front/fast/fast-connection.ts';
import { Direction } from '../../src/relay/core/direction.ts';
import { Leg } from '../../src/relay/leg.ts';
import { Session } from '../../src/relay/session.ts';

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
