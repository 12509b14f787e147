/** A redis-server of the test's own, on loopback, that keeps nothing on disk. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { listen } from '../../helpers/listen.ts';

const run = promisify(execFile);

export interface Redis {
  readonly port: number;
  /** Kills it. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Lets it stand still, and go on. */
  freeze(): void;
  thaw(): void;
  /** What `redis-cli` prints for a command. */
  ask(...command: string[]): Promise<string>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts one, with these options beside. */
export async function startRedis(...options: string[]): Promise<Redis> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await freePort();
  let child: ChildProcess | null = null;
  const start = async () => {
    const common = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    child = spawn('redis-server', [...common, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
      said += chunk;
      if (said.includes('Ready to accept connections')) break;
    }
    if (child.exitCode !== null || !said.includes('Ready to accept')) throw new Error(`no redis-server:\n${said}`);
    child.stdout!.resume();
  };
  const stop = async () => {
    if (child === null || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    child = null;
  };
  onTestFinished(async () => {
    await stop();
    await rm(folder, { recursive: true });
  });
  await start();
  return {
    port,
    start,
    stop,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async ask(...command) {
      const { stdout } = await run('redis-cli', ['-p', `${port}`, ...command]);
      return stdout.trimEnd();
    },
  };
}
