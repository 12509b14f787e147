/**
 * Bokeh's protocol through Sluice: whole documents, the message limit, tokens of every size, and its illegal closes.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../src/limits/quantities.ts';
import { venvProgram } from '../harness/paths.ts';
import { Sluice } from '../harness/sluice.ts';
import { BokehSocket, pageToken, Refused } from './bokeh-socket.ts';
import { type PanelServer, panelServe } from './panel-server.ts';

const run = promisify(execFile);
const limit = 20 * 1024 * 1024;

let bokeh: PanelServer;
let sluice: Sluice;
let direct: string;
let relayed: string;

beforeAll(async () => {
  bokeh = await panelServe();
  sluice = await Sluice.start({
    routes: [{ name: 'bokeh', match: { path: '/' }, upstream: `http://127.0.0.1:${bokeh.port}`, preset: 'bokeh' }],
  });
  direct = `http://127.0.0.1:${bokeh.port}/document`;
  relayed = `${sluice.url}/document`;
});

afterAll(async () => {
  await sluice?.stop();
  await bokeh?.[Symbol.asyncDispose]();
});

it('gives bokeh.client a document of 24 MB, property changes both ways and binary buffers', async () => {
  const script = fileURLToPath(new URL('client.py', import.meta.url));
  for (const url of [direct, relayed]) {
    const { stdout } = await run(venvProgram('modern', 'python'), [script, url, '24000000']);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({ title: 'Document', payload: 24_000_000, answer: 'the server heard a question' });
    expect(result).toMatchObject({ digest: result.expected_digest, doubled: true, binary_bytes: 16_000_000 });
  }
});

it('closes with 1009 at 20 MiB + 1 byte in 20 of 20 runs, and passes what Bokeh takes', async () => {
  for (const page of [direct, relayed]) {
    const client = await BokehSocket.open(page, await pageToken(page));
    client.sendPatch(limit);
    expect(await client.receive()).toBe('OK');
    await client.close();
  }
  for (let i = 0; i < 20; i++) {
    const client = await BokehSocket.open(relayed, await pageToken(relayed));
    client.sendPatch(limit + 1);
    expect(await client.receive()).toBeUndefined();
    expect(await client.closed).toEqual({
      code: 1009,
      reason: `message of ${sizes(limit + 1, limit).observed} exceeds ${sizes(limit + 1, limit).configured} (route bokeh)`,
    });
  }
  const labels = { route: 'bokeh', sender: 'client', limit: 'max_message_size', action: 'close' };
  expect(await sluice.metric('limit_violations_total', labels)).toBe(20);
});

describe('tokens', () => {
  /** A token within 200 bytes of a size, made by the cookies of the page's request. */
  async function tokenOf(page: string, bytes: number): Promise<string> {
    let [cookieBytes, token] = [0, ''];
    for (let i = 0; i < 8; i++) {
      const cookie = cookieBytes > 0 ? `c=${randomBytes(cookieBytes).toString('base64url').slice(0, cookieBytes)}` : '';
      token = await pageToken(page, cookie);
      if (Math.abs(token.length - bytes) < 200) break;
      cookieBytes = Math.max(0, cookieBytes + Math.round((bytes - token.length) * 0.74));
    }
    return token;
  }

  it.for([1_000, 8_000, 15_000, 17_000, 40_000, 60_000])('of %i bytes open a session', async (bytes) => {
    const token = await tokenOf(relayed, bytes);
    expect(Math.abs(token.length - bytes)).toBeLessThan(200);
    for (const page of [direct, relayed]) {
      const client = await BokehSocket.open(page, token);
      client.sendPatch(100);
      expect(await client.receive()).toBe('OK');
      await client.close();
    }
  });

  it('of 70 kB are refused with 431', async () => {
    const token = await tokenOf(relayed, 70_000);
    expect(token.length).toBeGreaterThan(69_000);
    await expect(BokehSocket.open(relayed, token)).rejects.toEqual(new Refused(431));
  });

  it('that have expired give a tunnel that closes without a code, as directly', async () => {
    const payload = { session_id: 'an-expired-session', session_expiry: 1_500_000_000 };
    const token = Buffer.from(JSON.stringify(payload)).toString('base64url');
    for (const page of [direct, relayed]) {
      const client = BokehSocket.dial(page, token);
      expect(await client.receive()).toBeUndefined();
      expect(await client.closed).toEqual({ code: 1005, reason: '' });
    }
  });

  it('are in no log line', async () => {
    const token = await pageToken(relayed);
    const client = await BokehSocket.open(relayed, token);
    await client.close();
    await sluice.logged({ event: 'end', subprotocol: 'bokeh' });
    // All tokens begin with the name of their first field.
    const beginning = token.slice(0, 16);
    expect(Buffer.from(beginning, 'base64url').toString()).toBe('{"session_id');
    expect(sluice.process.output).not.toContain(beginning);
  });
});

describe('illegal closes of Bokeh', () => {
  it.for([
    // A message type that no server expects, and a header without a type.
    [10000, { msgid: '1', msgtype: 'OK' }],
    [10001, { msgid: '1' }],
  ] as const)('with %i reach the client as 1011 and leave the gateway whole', async ([code, header]) => {
    const before = await sluice.metric('close_codes_total', { route: 'bokeh', sender: 'upstream', code: 'illegal' });
    const client = await BokehSocket.open(relayed, await pageToken(relayed));
    client.send(header, '{}');
    expect(await client.closed).toEqual({ code: 1011, reason: `the upstream closed with ${code}` });
    expect(await sluice.metric('close_codes_total', { route: 'bokeh', sender: 'upstream', code: 'illegal' })).toBe(
      before + 1,
    );
    const next = await BokehSocket.open(relayed, await pageToken(relayed));
    await next.close();
  });
});
