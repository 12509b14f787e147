/**
 * A class opens its notebooks: hundreds of browsers ask in the same moment. A round of the event loop begins some of
 * their requests, and what else has come is served between two rounds.
 */
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { bytesPerRequest, bytesPerRound } from '../../../src/front/fast/per-round.ts';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { HttpReader } from '../../helpers/http-reader.ts';
import { listen } from '../../helpers/listen.ts';
import { rawConnect } from '../../helpers/raw-client.ts';

const clients = 400;
/** What a round has room for, and those who had waited for it. */
const mostInRound = bytesPerRound.work / bytesPerRequest + 1 + bytesPerRound.waiters;
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: gateway.test\r\n\r\n`;

interface Browser {
  readonly socket: Socket;
  readonly answers: HttpReader;
}

/** Answers everything but `/later`, which it answers when the test says so. */
async function startUpstream() {
  const asked: Socket[] = [];
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        if (bytes.includes('/later')) asked.push(socket);
        else socket.write(answer);
      });
  });
  const port = await listen(server);
  onTestFinished(() => void server.close());
  return { port, asked };
}

/** A gateway with clients that have been answered once, and ask no more. */
async function startRested() {
  const upstream = await startUpstream();
  const sluice = await startGateway({ routes: [routeTo(upstream.port)] });
  onTestFinished(() => sluice[Symbol.asyncDispose]());
  const browsers: Browser[] = [];
  for (let i = 0; i < clients; i++) {
    const { socket } = await rawConnect(sluice.port);
    const browser = { socket, answers: new HttpReader(socket) };
    socket.write(request('/'));
    expect((await browser.answers.message('response')).body).toBe('ok');
    browsers.push(browser);
  }
  return { upstream, sluice, browsers };
}

test('requests that come all at once are begun in several rounds, and each is answered', async () => {
  const { upstream, sluice, browsers } = await startRested();
  const { passers } = sluice.gateway.sessions;
  const begun = [passers.size];
  for (const { socket } of browsers) socket.write(request('/later'));
  while (passers.size < clients) {
    await new Promise(setImmediate);
    begun.push(passers.size);
  }
  const ofRounds = begun.slice(1).map((count, i) => count - begun[i]!);
  expect(Math.max(...ofRounds)).toBeLessThanOrEqual(mostInRound);
  await expect.poll(() => upstream.asked.length).toBe(clients);
  for (const socket of upstream.asked) socket.write(answer);
  for (const { answers } of browsers) expect((await answers.message('response')).body).toBe('ok');
});

test('clients that leave while their requests wait for a round are told of, and nothing of them is left', async () => {
  const { sluice, browsers } = await startRested();
  for (const { socket } of browsers) socket.write(request('/later'));
  for (const { socket } of browsers) socket.destroy();
  const left = () => sluice.log.filter(({ result }) => result === 'client_gone').length;
  await expect.poll(() => [left() > 0, sluice.gateway.sessions.passers.size]).toEqual([true, 0]);
});
