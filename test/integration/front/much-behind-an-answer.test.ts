/** What stands behind the head of an upstream's answer to a handshake, in the same read, in both lanes. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { fakeUpstream, switching } from '../../helpers/fake-upstream.ts';
import { frame } from '../../helpers/frames.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { handshakeRequest, rawConnect } from '../../helpers/raw-client.ts';

describe.each([
  ['fast', ''],
  // An empty line before it brings a request into the careful lane.
  ['careful', '\r\n'],
])('in the %s lane', (_, before) => {
  /** A handshake that an upstream answers so. */
  async function asked(answer: (request: string) => string) {
    const stack = new AsyncDisposableStack();
    onTestFinished(() => stack.disposeAsync());
    const upstream = stack.use(await fakeUpstream({ answer }));
    const gateway = stack.use(await startGateway({ routes: [routeTo(upstream)] }));
    const client = await rawConnect(gateway.port);
    client.sendText(before + handshakeRequest());
    return client;
  }

  test('messages that fill the read behind the 101 arrive, in order', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${i} `.repeat(400));
    const messages = Buffer.concat(texts.map((text) => frame(text)));
    const client = await asked((request) => switching(request) + messages.toString('latin1'));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    for (const text of texts) expect((await client.frame()).payload.toString()).toBe(text);
  });

  test('a refusal in chunks of one byte arrives whole', async () => {
    const count = 30_000;
    const chunks = '1\r\nx\r\n'.repeat(count);
    const head = 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n';
    const client = await asked(() => `${head}${chunks}0\r\n\r\n`);
    expect(await client.head()).toMatch(/^HTTP\/1\.1 403 /);
    await client.gone;
    expect(client.received.toString().match(/x/g)).toHaveLength(count);
  });
});
