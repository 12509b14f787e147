/**
 * Who has sent and reset before the gateway comes to accept it has no address any more, as peers on a unix socket have
 * none; those are trusted, and it is not.
 */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { routeTo, startGateway } from '../../helpers/gateway.ts';
import { listen } from '../../helpers/listen.ts';

/** Sends and resets, many times. While it runs, this process does nothing else. */
const hasty = `
const { connect } = require('node:net');
const [, port, head] = process.argv;
let left = 20;
(function next() {
  if (left-- === 0) return;
  const socket = connect(Number(port), '127.0.0.1', () =>
    socket.write(JSON.parse(head), () => socket.resetAndDestroy()));
  socket.on('close', next).on('error', () => {});
})();
`;

test('is not believed, and asks nothing of anybody', async () => {
  const seen: unknown[] = [];
  const server = createServer((req, res) => {
    seen.push([req.url, req.headers['x-forwarded-for']]);
    res.end('ok');
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await using gateway = await startGateway({ routes: [routeTo(await listen(server))] });
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${gateway.port}${path}`);
    await answer.text();
  };
  await ask('/before');
  const head = 'POST /hasty HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\nContent-Length: 2\r\n\r\n{}';
  execFileSync(process.execPath, ['-e', hasty, String(gateway.port), JSON.stringify(head)]);
  await ask('/after');
  expect(seen).toEqual([
    ['/before', '127.0.0.1'],
    ['/after', '127.0.0.1'],
  ]);
});
