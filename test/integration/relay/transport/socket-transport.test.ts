/** A transport that goes from one listener to another on its way. */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SocketTransport } from '../../../../src/relay/transport/socket-transport.ts';
import type { TransportListener } from '../../../../src/relay/transport/transport.ts';
import { buffersOf } from '../../../helpers/memory.ts';
import { socketPair } from '../../../helpers/relay.ts';
import { tlsPair } from '../../../helpers/tls-pair.ts';

/** What a listener has heard. */
class Heard implements TransportListener {
  readonly told: string[] = [];

  read(chunk: Buffer, start: number, end: number): void {
    this.told.push(chunk.toString('latin1', start, end));
  }

  accepted(): void {}

  ended(): void {
    this.told.push('ended');
  }

  closed(): void {
    this.told.push('closed');
  }
}

test.each([
  ['TCP', () => socketPair()],
  ['TLS', () => tlsPair('connects')],
] as const)(
  'the end of a peer over %s is told to the next listener too, behind what is left for it',
  async (_, pair) => {
    const [peer, socket] = await pair();
    const transport = new SocketTransport({ socket, head: Buffer.alloc(0) }, buffersOf(1e6));
    const first = new Heard();
    transport.begin(first);
    transport.resume();
    const ended = once(transport.socket, 'end');
    peer.end('last');
    await ended;
    expect(first.told).toEqual(['last', 'ended']);
    transport.handOver(Buffer.from('left'));
    const next = new Heard();
    transport.begin(next);
    await turn();
    // It has not read on, as where a rate holds what was left.
    expect(next.told).toEqual(['left']);
    transport.resume();
    transport.pause();
    await turn();
    expect(next.told).toEqual(['left']);
    transport.resume();
    await turn();
    await turn();
    expect(next.told).toEqual(['left', 'ended']);
    transport.reset();
    peer.on('error', () => {}).destroy();
  },
);
