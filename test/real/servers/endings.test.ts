/** Refused handshakes and close codes, which must reach the other side as they were sent. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sluice } from '../harness/sluice.ts';
import { backends, type Fleet, route, startFleet, through } from './fleet.ts';
import type { Refusal } from './python-client.ts';

const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4404, 4999];
/** 123 bytes, the most that fits, with characters of one to four bytes. */
const reason = `raison é, причина, 理由, 🌊 ${'r'.repeat(83)}`;

let fleet: Fleet;
let silent: Server;
let sluice: Sluice;

beforeAll(async () => {
  fleet = await startFleet();
  silent = createServer((socket) => socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address() as { port: number };
  sluice = await Sluice.start({
    // For `silent`; the others' servers may be slow as well.
    timeouts: { handshake: '5s' },
    routes: [
      ...backends.map(({ name }) => route(name, fleet.apps[name].ports.default!, { preset: name })),
      route('silent', address.port),
    ],
  });
});

afterAll(async () => {
  await sluice?.stop();
  silent?.close();
  await fleet?.[Symbol.asyncDispose]();
});

/** What must not change on the way; framing and `Date` may. */
function essence({ status, body, headers }: Refusal): object {
  const kept = ['set-cookie', 'location', 'www-authenticate', 'content-type', 'server', 'etag'];
  const list = headers.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  return { status, body, headers: list.filter((line) => kept.includes(line.split(':')[0]!)).sort() };
}

describe.for(backends)('$name', ({ name }) => {
  const ways = (): [string, string] => [`ws://${name}.test:${fleet.apps[name].ports.default}`, through(sluice, name)];

  it.for([401, 403, 404, 302])('has its refusal with %i relayed whole', async (status) => {
    const [direct, relayed] = await Promise.all(
      ways().map((base) => fleet.client.run('refusal', { uri: `${base}/refuse/${status}` })),
    );
    expect(direct).toMatchObject({ status, body: `refused with ${status}` });
    expect(direct!.headers.filter(([header]) => header.toLowerCase() === 'set-cookie')).toHaveLength(2);
    expect(essence(relayed!)).toEqual(essence(direct!));
  });

  it('has every close code and the bytes of its reason passed to the client', async () => {
    expect(Buffer.byteLength(reason)).toBe(123);
    for (const base of ways()) {
      const endings = await Promise.all(
        codes.map((code) => {
          const query = new URLSearchParams({ code: String(code), reason });
          return fleet.client.run('await_close', { uri: `${base}/close?${query}` });
        }),
      );
      expect(endings).toEqual(codes.map((code) => ({ code, reason })));
    }
  });

  it('gets every close code and the bytes of its reason from the client', async () => {
    const { port } = new URL(ways()[0]);
    for (const base of ways()) {
      const endings = await Promise.all(
        codes.map(async (code) => {
          const watch = randomUUID();
          const uri = `${base}/watch?name=${watch}`;
          await fleet.client.run('close_with', { uri, code, reason });
          return (await fetch(`http://127.0.0.1:${port}/closed?name=${watch}`)).json();
        }),
      );
      expect(endings).toEqual(codes.map((code) => ({ code, reason })));
    }
  });
});

it('answers 504 where the upstream accepts the connection and stays silent', async () => {
  const refusal = await fleet.client.run('refusal', { uri: `${through(sluice, 'silent')}/echo` });
  expect(refusal.status).toBe(504);
  expect(await sluice.metric('handshakes_total', { route: 'silent', result: 'upstream_timeout' })).toBe(1);
});
