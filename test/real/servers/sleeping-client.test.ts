/**
 * Clients that sleep, and backends that are busy, through the presets: what a backend bears directly it bears through
 * Sluice, and where it loses patience the client hears its own words.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, it } from 'vitest';
import { backends, type RelayedFleet, startRelayedFleet, through } from './fleet.ts';
import type { Drained } from './python-client.ts';

/** More than the kernels' buffers hold. */
const messages = 64;
const flood = new URLSearchParams({ messages: String(messages), bytes: String(1024 * 1024) });
const whole = { messages, ordered: true, code: 1000, reason: 'all sent' };
/** Longer than a ping's timeout (20 s), shorter than its interval and its timeout together. */
const napMs = 30_000;
/** Longer than both. */
const sleepMs = 44_000;

let fleet: RelayedFleet;

beforeAll(async () => {
  fleet = await startRelayedFleet();
});

afterAll(() => fleet?.[Symbol.asyncDispose]());

type Name = (typeof backends)[number]['name'];
const ways = ['directly', 'through Sluice'] as const;

function base(name: Name, way: (typeof ways)[number]): string {
  return way === 'directly' ? `ws://127.0.0.1:${fleet.apps[name].ports.default}` : through(fleet.sluice, name);
}

/** Floods a client that reads nothing for so long and then everything. */
async function asleep(uri: string, ms: number): Promise<Drained> {
  const name = randomUUID();
  await fleet.client.run('open_unread', { uri: `${uri}/flood?${flood}&name=${name}`, name });
  await delay(ms);
  return fleet.client.run('read_all', { name });
}

const cases = ways.flatMap((way) => backends.map(({ name }) => ({ way, name })));

it.concurrent.for(cases)('$way, $name: a client that sleeps 30 s has everything', async ({ way, name }, { expect }) => {
  expect(await asleep(base(name, way), napMs)).toEqual(whole);
});

it.concurrent.for(cases)('$way, $name: a client that sleeps 44 s', async ({ way, name }, { expect }) => {
  const end = await asleep(base(name, way), sleepMs);
  if (name !== 'fastapi') {
    expect(end).toEqual(whole);
    return;
  }
  expect(end).toMatchObject({ code: 1011, reason: 'keepalive ping timeout', ordered: true });
  expect(end.messages).toBeLessThan(messages);
});

it.concurrent.for(ways)('%s, a server that accepts after 20 s is waited for', async (way, { expect }) => {
  const uri = `${base('fastapi', way)}/late?seconds=20`;
  expect(await fleet.client.run('await_close', { uri, patience: 60 })).toEqual({ code: 1000, reason: 'accepted' });
});
