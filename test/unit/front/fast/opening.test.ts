import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { HeadParsers } from '../../../../src/front/fast/head-parsers.ts';
import type { Line } from '../../../../src/front/fast/line.ts';
import { Opening, type OpeningClient } from '../../../../src/front/fast/opening.ts';
import type { LaneParts } from '../../../../src/front/fast/parts.ts';
import type { PendingHandshake } from '../../../../src/front/fast/under-way.ts';
import type { AdmittedVisit } from '../../../../src/front/reception.ts';
import { Recorder } from '../../../../src/front/recorder.ts';
import { HeadWriter } from '../../../../src/http/wire/head-writer.ts';
import { RouteCounters } from '../../../../src/observe/metrics/counters.ts';
import { RoundBudget } from '../../../../src/relay/core/round-budget.ts';
import { MemoryBudget } from '../../../../src/relay/memory/memory-budget.ts';
import type { Connected, DialEvents } from '../../../../src/upstream/connect.ts';
import { LogLines } from '../../../helpers/log-lines.ts';
import { budgetOf, buffersOf } from '../../../helpers/memory.ts';
import { admissionRoute, handshakeFields, testVisit } from '../../../helpers/visit.ts';

/** An opening whose client's connection throws when it is refused; `dial` is what becomes of the dial. */
function opening(handshakeMs: number, dial: (events: DialEvents) => void) {
  const lines = new LogLines();
  const underWay = new Set<PendingHandshake>();
  const budget = new MemoryBudget(Number.POSITIVE_INFINITY, () => {});
  const recorder = new Recorder({ log: lines.log, rejected: () => {}, hub: null, unrouted: () => new RouteCounters() });
  const parts = { log: lines.log, openings: underWay, memory: { budget }, recorder } as unknown as LaneParts;
  const held = { leases: 0, destroyed: 0 };
  const client = {
    line: { destroy: () => held.destroyed++ },
    turnedAwayWith() {
      throw new Error('a bug');
    },
  } as unknown as OpeningClient;
  const { route } = admissionRoute({ timeouts: { connectMs: 0, headersMs: 0, handshakeMs, closeMs: 0 } });
  const endpoint = {
    lease: () => ({ [Symbol.dispose]: () => held.leases-- }),
    dial(_ms: number, events: DialEvents) {
      held.leases++;
      dial(events);
      return { cancel() {} };
    },
  };
  const request = {
    visit: testVisit({ kind: 'websocket', headers: handshakeFields }) as AdmittedVisit,
    route: { ...admissionRoute(), route, endpoint, hub: null },
    head: Buffer.alloc(100),
  } as unknown as ConstructorParameters<typeof Opening>[2];
  new Opening(parts, client, request).begin();
  const left = () => ({ underWay: underWay.size, bytes: budget.usedBytes, ...held });
  return { lines, left };
}

const nothing = { underWay: 0, bytes: 0, leases: 0, destroyed: 1 };

test('a mistake of ours in refusing a handshake ends it once', async () => {
  const { lines, left } = opening(0, ({ done }) => done({ problem: 'connect_refused', detail: 'nobody is there' }));
  await lines.next(({ event }) => event === 'handshake_bug');
  expect(left()).toEqual(nothing);
});

test('a mistake of ours when its time is over ends the handshake, and not the process', async () => {
  const { lines, left } = opening(1, () => {});
  await lines.next(({ event }) => event === 'handshake_bug');
  expect(left()).toEqual(nothing);
});

/** A handshake that its upstream refuses, whose client takes nothing until `drain` is called. */
function mirrored(handshakeMs = 0) {
  const lines = new LogLines();
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const upstream = Object.assign(socket, { setNoDelay() {}, setKeepAlive() {} });
  let told = '';
  const take = (bytes: Buffer, start: number, end: number) => {
    told += bytes.toString('latin1', start, end);
    return true;
  };
  // It takes everything later.
  const writer = { blocked: true, broken: false, append: take, flush() {} };
  const line = { writer, send: take, resume() {}, destroy() {}, reset: () => (told += '(reset)') };
  const ended: (Buffer | null)[] = [];
  const client: OpeningClient = {
    line: line as unknown as Line,
    takeEarly: () => Buffer.alloc(0),
    opened() {},
    turnedAwayWith: (answer) => ended.push(answer),
  };
  const rounds = () => new RoundBudget(setImmediate, { work: 1_000_000, free: 0, waiters: 1 });
  const parts = {
    log: lines.log,
    openings: new Set(),
    memory: { budget: budgetOf(), buffers: buffersOf(1_000_000) },
    recorder: new Recorder({ log: lines.log, rejected: () => {}, hub: null, unrouted: () => new RouteCounters() }),
    answers: new HeadParsers('response'),
    heads: new HeadWriter(),
    byteBudget: rounds(),
    chunkBudget: rounds(),
  } as unknown as LaneParts;
  const endpoint = {
    lease: () => ({ [Symbol.dispose]() {} }),
    dial(_ms: number, { done }: DialEvents) {
      done({ socket: upstream as unknown as Socket, elapsedMs: 1 } as Connected);
      return { cancel() {} };
    },
  };
  const request = {
    visit: testVisit({ kind: 'websocket', headers: handshakeFields }) as AdmittedVisit,
    route: {
      ...admissionRoute({ timeouts: { connectMs: 0, headersMs: 0, handshakeMs, closeMs: 0 } }),
      endpoint,
      hub: null,
    },
    head: Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  } as unknown as ConstructorParameters<typeof Opening>[2];
  const opening = new Opening(parts, client, request);
  opening.begin();
  return {
    lines,
    ended,
    upstream,
    told: () => told,
    async says(bytes: string) {
      upstream.push(bytes);
      await new Promise(setImmediate);
    },
    drain() {
      writer.blocked = false;
      opening.clientDrained();
    },
  };
}

const refusal = 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n';

test('what an upstream says behind its whole refusal changes nothing of what its client has still to take', async () => {
  const all = mirrored();
  const body = '5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n';
  await all.says(refusal + body);
  await all.says('X-More: 2\r\n\r\n');
  all.drain();
  expect(all.told().slice(all.told().indexOf('\r\n\r\n') + 4)).toBe(body);
  expect(all.ended).toEqual([null]);
  expect(await all.lines.next()).toMatchObject({ result: 'upstream_refused', detail: 'the upstream answered 403' });
});

test.each([
  ['breaks its own rules', 'no chunk\r\n'],
  ['is lost', ''],
])('of a refusal that %s its client gets all that has come, when it takes it', async (_, broken) => {
  const all = mirrored();
  await all.says(`${refusal}5\r\nhello\r\n${broken}`);
  all.upstream.destroy(new Error('reset'));
  await new Promise(setImmediate);
  expect(all.ended).toEqual([]);
  all.drain();
  expect(all.told()).toMatch(/\r\n\r\n5\r\nhello\r\n$/);
  expect(all.ended).toEqual([null]);
  const detail = 'the upstream answered 403, not to its end';
  expect(await all.lines.next()).toMatchObject({ result: 'upstream_refused', detail });
});

test('a client that takes nothing of a refusal that broke off is reset when its time is over', async () => {
  const all = mirrored(20);
  await all.says(`${refusal}5\r\nhello\r\nno chunk\r\n`);
  expect(await all.lines.next()).toMatchObject({ detail: 'the upstream answered 403, not to its end' });
  expect(all.told()).toMatch(/\(reset\)$/);
  expect(all.ended).toEqual([]);
});
