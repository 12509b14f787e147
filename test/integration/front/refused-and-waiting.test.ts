/** Who has been refused and does not go makes room for others, whatever is still to come of the request. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Step } from '../../../src/admission/visit.ts';
import { fakeUpstream } from '../../helpers/fake-upstream.ts';
import { startFront } from '../../helpers/front.ts';
import { routeTo } from '../../helpers/gateway.ts';
import { Peer } from '../../helpers/peer.ts';
import { handshakeRequest } from '../../helpers/raw-client.ts';

/** Where two of an address may wait, and three in all. */
const containerBytes = 3 * 4 * 10 * 1024;
const refuses: Step = () => ({ outcome: 'origin_refused', detail: 'says a step' });

interface Case {
  readonly name: string;
  readonly text: string;
  readonly status: number;
  readonly step?: Step;
  /** What the upstream answers. */
  readonly answer?: string | null;
}

const post = (target: string, lines: readonly string[] = []) =>
  ['', `POST ${target} HTTP/1.1`, 'Host: gateway.test', ...lines, 'Content-Length: 1', '', ''].join('\r\n');

const cases: readonly Case[] = [
  { name: 'a request of an old client', text: 'POST /no HTTP/1.0\r\nContent-Length: 1\r\n\r\n', status: 404 },
  { name: 'a request that leads nowhere', text: post('/no'), status: 404 },
  { name: 'a request that a step refuses', text: post('/app/'), status: 403, step: refuses },
  { name: 'a request that is too large', text: post('/app/').replace(': 1\r', ': 9999999999\r'), status: 413 },
  {
    name: 'a request for a backend that is none',
    text: `${post('/app/').replace(': 1\r', ': 2\r')}x`,
    status: 502,
    answer: 'HTTP/9.9 nonsense\r\n',
  },
  { name: 'CONNECT', text: '\r\nCONNECT a.test:1 HTTP/1.1\r\nHost: a.test:1\r\n\r\n', status: 405 },
  { name: 'what is no request', text: '\r\nGET / HTTP/1.1\r\n: x\r\n\r\n', status: 400 },
  { name: 'a handshake that leads nowhere', text: `\r\n${handshakeRequest({ path: '/no' })}`, status: 404 },
  {
    name: 'a handshake that a step refuses',
    text: `\r\n${handshakeRequest({ path: '/app/' })}`,
    status: 403,
    step: refuses,
  },
  {
    name: 'a handshake that its upstream refuses',
    text: `\r\n${handshakeRequest({ path: '/app/' })}`,
    status: 403,
    answer: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
  },
  {
    name: 'a handshake for a backend that is none',
    text: `\r\n${handshakeRequest({ path: '/app/' })}`,
    status: 502,
    answer: 'HTTP/9.9 nonsense\r\n',
  },
];

test.each(cases)('$name makes room for the next when it is answered with $status', async (each) => {
  const { text, status, step, answer = null } = each;
  await using upstream = await fakeUpstream({ answer: () => answer });
  await using front = await startFront({
    routes: [routeTo(upstream, { path: '/app/' })],
    containerBytes,
    ...(step && { step }),
  });
  const hasMadeRoom = () => front.lines.some(({ event }) => event === 'waiting_evicted');
  // A third is one too many, unless the first has been waited for long enough.
  for (let i = 0; i < 30 && !hasMadeRoom(); i++) {
    const client = new Peer(connect({ port: front.port, host: '127.0.0.1', allowHalfOpen: true }));
    onTestFinished(() => void client.socket.destroy());
    client.sendText(text);
    expect((await client.head()).slice(9, 12)).toBe(String(status));
  }
  expect(hasMadeRoom()).toBe(true);
});
