/**
 * A client that sends thousands of requests at once, all of which Sluice answers itself: no upstream sets their pace, and
 * a message on a WebSocket beside them must not wait for all of them.
 */
import { expect, test } from 'vitest';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startGatewayOf } from '../../helpers/gateway.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const count = 1000;

test.each([
  ['fast', ''],
  ['careful', '\r\n'],
])('the %s lane refuses a bounded number in a round, and all of them in the end', async (_, first) => {
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
  const request = 'GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n';
  client.sendText(first + request.repeat(count - 1) + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  const answers = (await client.rest()).toString('latin1');
  on = false;
  expect(answers.match(/^HTTP\/1\.1 405 /gm)).toHaveLength(count);
  expect(refusals()).toBe(count);
  // What goes beyond the budget is a request.
  expect(most).toBeLessThan(150);
});
