/** What a handshake holds of its upstream's answer, which is not whole, counts in the memory of all. */
import { expect, test } from 'vitest';
import { fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';
import { until } from '../../helpers/until.ts';

const held = 60_000;
/** The careful lane does not count what comes in one piece with a chunk of the body. */
const least = held - 4096;
const line = `X-Long: ${'x'.repeat(held)}`;

const lanes = [
  ['fast', ''],
  ['careful', '\r\n'],
] as const;

async function asked(before = '') {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await fakeUpstream({ answer: () => null }));
  const sluice = stack.use(await startGateway({ routes: [routeTo(upstream)] }));
  const client = await rawConnect(sluice.port);
  client.sendText(before + handshakeRequest());
  const server = await upstream.next();
  const { budget, buffers } = sluice.gateway.sessions.memory;
  return {
    client,
    server,
    budget,
    sluice,
    /** What is held beside the buffers that are read into. */
    get heldBytes() {
      return budget.usedBytes - buffers.lentBytes;
    },
    /** What is held of a handshake whose answer has not begun. */
    atFirst: budget.usedBytes - buffers.lentBytes,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The beginning of a 101, of which a line is missing. */
const begun = (request: string) => switching(request, line).slice(0, -4);

test.each(lanes)('of a head, until that is whole (%s lane)', async (_, before) => {
  await using all = await asked(before);
  all.server.sendText(begun(all.server.request));
  await until(() => all.heldBytes > all.atFirst + held);
  all.server.sendText('\r\n\r\n');
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 101 /);
  await until(() => all.heldBytes < held);
  expect(all.budget.holders.size).toBe(0);
});

test.each(lanes)('of trailers, until they are whole (%s lane)', async (_, before) => {
  await using all = await asked(before);
  all.server.sendText(`HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n${line}`);
  await until(() => all.heldBytes > all.atFirst + least);
  all.server.sendText('\r\n\r\n');
  // Where the lanes differ: trailers of a refusal are passed on in the fast one only.
  if (before === '') await until(() => all.client.received.includes(line));
  await until(() => all.heldBytes < held);
  expect(all.budget.holders.size).toBe(0);
});

test.each(lanes)('where memory is spent it goes, with 503 while nothing is answered (%s lane)', async (_, before) => {
  await using all = await asked(before);
  all.server.sendText(begun(all.server.request));
  await until(() => all.heldBytes > least);
  all.budget.limitBytes = held / 2;
  expect(await all.client.head()).toMatch(/^HTTP\/1\.1 503 /);
  expect(await all.sluice.logged('refused')).toMatchObject({ result: 'memory' });
  await all.server.gone;
  await until(() => all.heldBytes === 0);
});

test.each(lanes)('where memory is spent an answer that has begun breaks off (%s lane)', async (_, before) => {
  await using all = await asked(before);
  all.server.sendText(`HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n${line}`);
  await until(() => all.heldBytes > least);
  all.budget.limitBytes = held / 2;
  const ending = await all.client.ended;
  if (before === '') expect(ending).toBe('reset');
  expect(String(all.client.received)).not.toMatch(/0\r\n\r\n$/);
  await all.server.gone;
  await until(() => all.heldBytes === 0);
});
