/**
 * A client that sends thousands of requests at once, all of which Sluice answers itself: no upstream sets their pace,
 * and a message on a WebSocket beside them must not wait for all of them.
 */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway, startGatewayOf } from '../../helpers/gateway.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const count = 1000;
const request = 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n';
const last = request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const requests = request.repeat(count - 1) + last;

/** What makes a connection one of that lane's. */
const lanes = [
  ['fast', ''],
  ['careful', '\r\n'],
] as const;

test.each(lanes)('the %s lane refuses a bounded number in a round, and all of them in the end', async (_, first) => {
  await using upstream = await fakeUpstream();
  await using sluice = await startGatewayOf(`
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
log: {max_rate: unlimited}
routes:
  - {name: a, upstream: "http://127.0.0.1:${upstream.port}", access: {methods: {allow: [POST]}}}
`);
  const client = await rawConnect(sluice.port);
  const refusals = () => sluice.log.filter(({ event }) => event === 'refused').length;
  let most = 0;
  let before = 0;
  let on = true;
  const look = () => {
    const now = refusals();
    most = Math.max(most, now - before);
    before = now;
    if (on) setImmediate(look);
  };
  look();
  client.sendText(first + requests);
  const answers = (await client.rest()).toString('latin1');
  on = false;
  expect(answers.match(/^HTTP\/1\.1 405 /gm)).toHaveLength(count);
  expect(refusals()).toBe(count);
  // What goes beyond the budget is a request.
  expect(most).toBeLessThan(150);
});

test.each(lanes)('where memory is short the %s lane holds nothing for the sake of more refusals', async (_, first) => {
  await using sluice = await startGateway({ routes: [routeTo(1)] });
  const { budget } = sluice.gateway.sessions.memory;
  const client = await rawConnect(sluice.port);
  const held = 0.8 * budget.limitBytes;
  budget.take(held);
  client.sendText(first + requests);
  const answers = (await client.rest()).toString('latin1').match(/^HTTP\/1\.1 503 /gm)!;
  expect(answers.length).toBeGreaterThan(0);
  expect(answers.length).toBeLessThan(150);
  expect(budget.usedBytes).toBe(held);
});

test.each(lanes)('what waits for refusals of the %s lane does not spend the memory of all', async (_, first) => {
  await using upstream = await fakeUpstream();
  await using sluice = await startGatewayOf(`
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
memory: {max_buffered: 1MiB}
log: {max_rate: unlimited}
routes:
  - {name: a, upstream: "http://127.0.0.1:${upstream.port}", access: {methods: {allow: [POST]}}}
`);
  const { budget } = sluice.gateway.sessions.memory;
  let most = 0;
  const take = budget.take.bind(budget);
  budget.take = (bytes) => {
    take(bytes);
    most = Math.max(most, budget.usedBytes);
  };
  const clients = await Promise.all(Array.from({ length: 100 }, () => rawConnect(sluice.port)));
  // So long that their answers, which are short, wait nowhere.
  const long = request.replace('\r\n\r\n', `\r\nX: ${'x'.repeat(200)}\r\n\r\n`);
  for (const client of clients) client.sendText(first + long.repeat(200) + last);
  for (const client of clients) await client.rest();
  expect(most).toBeLessThan(budget.limitBytes);
});
