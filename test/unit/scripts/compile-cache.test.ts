import { execFileSync, spawn } from 'node:child_process';
import { closeSync, globSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { small } from '../../helpers/program.ts';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'cache-'));
const cache = join(folder, 'cache');

beforeAll(() => {
  // One that this process itself may have is none for it.
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined };
  execFileSync(process.execPath, [join(root, 'scripts/compile-cache.ts'), cache], { cwd: root, env });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Which of Node's modules a process has loaded that runs this. */
function loadedBy(script: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
}

test('commands find their types stripped in the compile cache of the image', () => {
  const commands = ['serve', 'check', 'hub-proxy', 'demo'].map((name) => join(root, `src/cli/${name}.ts`));
  const loaded = loadedBy(`
    for (const command of ${JSON.stringify(commands)}) await import(command);
    console.log(process.moduleLoadList.join('\\n'));`);
  expect(loaded).toContain('NativeModule');
  expect(loaded).not.toContain('amaro');
});

test('threads of a process that serves do too', () => {
  const threads = globSync('src/**/*-thread.ts', { cwd: root }).map((name) => join(root, name));
  expect(threads.length).toBeGreaterThan(0);
  // One that is asked for nothing may fail behind having been loaded.
  const thread = `
    const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
    Promise.allSettled(workerData.map((thread) => import(thread))).then(() => {
      parentPort.postMessage(process.moduleLoadList.join('\\n'));
    });`;
  const loaded = loadedBy(`
    import { Worker } from 'node:worker_threads';
    const { tuneEngine } = await import(${JSON.stringify(join(root, 'src/cli/engine.ts'))});
    const { compactHeap } = await import(${JSON.stringify(join(root, 'src/cli/compact-heap.ts'))});
    tuneEngine();
    compactHeap();
    const worker = new Worker(${JSON.stringify(thread)}, { eval: true, workerData: ${JSON.stringify(threads)} });
    worker.once('message', (loaded) => {
      console.log(loaded);
      process.exit(0);
    });`);
  expect(loaded).toContain('NativeModule');
  expect(loaded).not.toContain('amaro');
});

test("a process that serves takes V8's code out of it", async () => {
  const config = join(folder, 'sluice.yaml');
  writeFileSync(
    config,
    `
listen: {address: "127.0.0.1:0"}
admin: {address: "127.0.0.1:0"}
routes: [{name: a, match: {path: /}, upstream: "http://[::1]:9"}]`,
  );
  const main = join(root, 'src/main.ts');
  // Into a file: what a pipe has no room for at once would be lost.
  const told = join(folder, 'told');
  const stderr = openSync(told, 'w');
  const serve = spawn(process.execPath, [...small.flags, main, 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', stderr],
    env: { ...process.env, ...small.env, NODE_COMPILE_CACHE: cache, NODE_DEBUG_NATIVE: 'COMPILE_CACHE' },
  });
  closeSync(stderr);
  for await (const line of createInterface({ input: serve.stdout! })) {
    if (line.includes('"event":"listening"')) serve.kill('SIGKILL');
  }
  const lines = readFileSync(told, 'utf8');
  expect(lines).toMatch(/src\/gateway\.ts was accepted/);
  expect(lines.split('\n').filter((line) => line.includes('was rejected'))).toEqual([]);
});
