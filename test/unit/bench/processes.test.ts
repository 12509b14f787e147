import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';

const processes = new URL('../../../bench/processes.ts', import.meta.url).href;
/** Runs for as long as the test listens. */
const lasting = (port: number) =>
  JSON.stringify([process.execPath, '-e', `net.connect(${port}, '127.0.0.1').on('close', () => process.exit())`]);

/** Starts a program that starts two others in both ways; returns it, and their connections. */
async function startBench(end: string) {
  const sockets: Socket[] = [];
  const server = createServer();
  const bothThere = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      if (sockets.push(socket.resume()) === 2) resolve();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const command = lasting((server.address() as { port: number }).port);
  const bench = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { converse, start } from ${JSON.stringify(processes)};
      start(${command});
      converse(${command});
      process.stdin.once('data', () => { ${end} });`,
    ],
    { stdio: ['pipe', 'ignore', 'ignore'] },
  );
  await bothThere;
  const stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    bench.kill('SIGKILL');
  };
  return { bench, sockets, stop };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'what was started ends with a bench that alone gets %s',
  async (signal) => {
    const { bench, sockets, stop } = await startBench('');
    try {
      const gone = sockets.map((socket) => once(socket, 'close'));
      const ended = once(bench, 'exit');
      bench.kill(signal);
      expect(await ended).toEqual([null, signal]);
      await Promise.all(gone);
    } finally {
      stop();
    }
  },
);

test.each([
  ['ends', 'process.exit(3)'],
  ['breaks', "throw new Error('of the test')"],
])('what was started ends with a bench that %s', async (_, end) => {
  const { bench, sockets, stop } = await startBench(end);
  try {
    const gone = sockets.map((socket) => once(socket, 'close'));
    const ended = once(bench, 'exit');
    bench.stdin.write('now\n');
    const [code] = await ended;
    expect(code).toBe(end.startsWith('process') ? 3 : 1);
    await Promise.all(gone);
  } finally {
    stop();
  }
});
