/** Message limits of Tornado, uvicorn and `websockets`, met directly and through a gateway that is stricter or not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../src/limits/quantities.ts';
import { Sluice } from '../harness/sluice.ts';
import { backends, type Fleet, route, startFleet, through } from './fleet.ts';
import type { Exchange } from './python-client.ts';

const MiB = 1024 * 1024;
const KiB = 1024;
/** Where the gateway is stricter than the backend. */
const strict = 700 * KiB;
const fragmented = 50 * MiB;

let fleet: Fleet;
let sluice: Sluice;

beforeAll(async () => {
  fleet = await startFleet();
  const client = (max_message_size: number): Readonly<Record<string, unknown>> => ({
    limits: { client: { max_message_size } },
  });
  sluice = await Sluice.start({
    routes: backends.flatMap(({ name }) => [
      route(`${name}-strict`, fleet.apps[name].ports.default!, client(strict)),
      route(`${name}-preset`, fleet.apps[name].ports.default!, { preset: name }),
      route(`${name}-loose`, fleet.apps[name].ports.default!, client(100 * MiB)),
      route(`${name}-exact`, fleet.apps[name].ports.raised!, client(fragmented)),
      route(`${name}-short`, fleet.apps[name].ports.raised!, client(fragmented - 1)),
    ]),
  });
});

afterAll(async () => {
  await sluice?.stop();
  await fleet?.[Symbol.asyncDispose]();
});

/** Expects that the server had the whole message. */
function expectWhole(exchange: Exchange, bytes: number, kind: 'text' | 'binary' = 'binary'): void {
  expect(exchange).toMatchObject({ answer: expect.any(String), code: 1000 });
  expect(JSON.parse(exchange.answer!)).toEqual({ kind, bytes, sha256: exchange.sha256 });
}

describe.for(backends)('$name', ({ name, maxMessageBytes }) => {
  const violations = (routeName: string): Promise<number> =>
    sluice.metric('limit_violations_total', {
      route: routeName,
      sender: 'client',
      limit: 'max_message_size',
      action: 'close',
    });

  it('takes a message of its limit and refuses one byte more, directly', async () => {
    const uri = `ws://${name}.test:${fleet.apps[name].ports.default}/digest`;
    expectWhole(await fleet.client.run('exchange', { uri, bytes: maxMessageBytes }), maxMessageBytes);
    const refused = await fleet.client.run('exchange', { uri, bytes: maxMessageBytes + 1 });
    // Its own 1009 is a race with its reset of the connection.
    expect(refused.answer).toBeUndefined();
    expect([1009, null]).toContain(refused.code);
  });

  it.for(['text', 'binary'] as const)('is guarded by a stricter gateway, %s messages', async (kind) => {
    const routeName = `${name}-strict`;
    const uri = `${through(sluice, routeName)}/digest`;
    const before = await violations(routeName);
    expectWhole(await fleet.client.run('exchange', { uri, bytes: strict - 1, kind }), strict - 1, kind);
    expectWhole(await fleet.client.run('exchange', { uri, bytes: strict, kind }), strict, kind);
    expect(await fleet.client.run('exchange', { uri, bytes: strict + 1, kind })).toMatchObject({
      code: 1009,
      reason: `message of ${sizes(strict + 1, strict).observed} exceeds ${sizes(strict + 1, strict).configured} (route ${routeName})`,
    });
    expect(await violations(routeName)).toBe(before + 1);
  });

  it('is guarded by a gateway with its preset at exactly its own limit', async () => {
    const routeName = `${name}-preset`;
    const uri = `${through(sluice, routeName)}/digest`;
    expectWhole(await fleet.client.run('exchange', { uri, bytes: maxMessageBytes }), maxMessageBytes);
    for (const fragments of [1, 2, 100]) {
      const refused = await fleet.client.run('exchange', { uri, bytes: maxMessageBytes + 1, fragments });
      expect(refused).toMatchObject({
        code: 1009,
        reason: expect.stringContaining(`exceeds ${sizes(maxMessageBytes + 1, maxMessageBytes).configured} `),
      });
    }
    expect(await violations(routeName)).toBe(3);
  });

  it('refuses by itself behind a looser gateway, which blames nobody', async () => {
    const routeName = `${name}-loose`;
    const uri = `${through(sluice, routeName)}/digest`;
    expectWhole(await fleet.client.run('exchange', { uri, bytes: maxMessageBytes }), maxMessageBytes);
    const refused = await fleet.client.run('exchange', { uri, bytes: maxMessageBytes + 1 });
    // 1009 where the backend's close frame won its race, 1011 where its reset did; never a connection without a code.
    expect(refused.answer).toBeUndefined();
    expect([1009, 1011]).toContain(refused.code);
    expect(await violations(routeName)).toBe(0);
  });

  it('has a ping between 50 fragments of 1 MiB answered, and gets them whole at the limit', async () => {
    const command = { bytes: fragmented, fragments: 50, ping: true };
    for (const base of [`ws://${name}.test:${fleet.apps[name].ports.raised}`, through(sluice, `${name}-exact`)]) {
      const exchange = await fleet.client.run('exchange', { uri: `${base}/digest`, ...command });
      expect(exchange.pong_at_fragment).toBe(25);
      expectWhole(exchange, fragmented);
    }
  });

  it('never sees the end of 50 fragments whose sum exceeds the limit by one byte', async () => {
    const uri = `${through(sluice, `${name}-short`)}/digest`;
    const exchange = await fleet.client.run('exchange', { uri, bytes: fragmented, fragments: 50 });
    expect(exchange).toMatchObject({
      code: 1009,
      // The client ends its message with an empty fragment, which would have come after the one that crosses the limit.
      reason: `message of at least ${sizes(fragmented, fragmented - 1).observed} exceeds ${sizes(fragmented, fragmented - 1).configured} (route ${name}-short)`,
    });
  });
});
