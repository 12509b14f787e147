import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeUpstream } from '../helpers/fake-upstream.ts';
import { program } from '../helpers/program.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { Serve } from '../helpers/serve.ts';

/** The arguments of a process, the program first. */
const argumentsOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');

/** The environment of a process. */
const environmentOf = (pid: number) => readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');

test('a process that was started without bounds for its memory and its threads begins anew with them, under the same id', async () => {
  await using upstream = await fakeUpstream();
  const { serve, adminPort } = await Serve.start(upstream, { isBare: true });
  await using _ = serve;
  expect((await fetch(`http://127.0.0.1:${adminPort}/healthz`)).status).toBe(200);
  const started = [process.execPath, '--max-semi-space-size=8', '--v8-pool-size=1', program, 'serve'];
  expect(argumentsOf(serve.process.pid!).slice(0, 5)).toEqual(started);
  expect(environmentOf(serve.process.pid!)).toContain('MALLOC_ARENA_MAX=1');
});

test('bounds that were given stay', async () => {
  await using upstream = await fakeUpstream();
  const { serve } = await Serve.start(upstream, {
    isBare: true,
    env: { NODE_OPTIONS: '--max-semi-space-size=32 --v8-pool-size=2', MALLOC_ARENA_MAX: '2' },
  });
  await using _ = serve;
  expect(argumentsOf(serve.process.pid!).join(' ')).not.toMatch(/semi-space|pool-size/);
  expect(environmentOf(serve.process.pid!)).toContain('MALLOC_ARENA_MAX=2');
});

test('what is missing of them comes beside what was given', async () => {
  await using upstream = await fakeUpstream();
  const { serve } = await Serve.start(upstream, { isBare: true, env: { NODE_OPTIONS: '--max-semi-space-size=32' } });
  await using _ = serve;
  expect(argumentsOf(serve.process.pid!).join(' ')).not.toContain('semi-space');
  expect(argumentsOf(serve.process.pid!)).toContain('--v8-pool-size=1');
  expect(environmentOf(serve.process.pid!)).toContain('MALLOC_ARENA_MAX=1');
});

test("of Node's modules those are not loaded that make a client for fetch and WebSockets", async () => {
  const file = join(scratchFolder(), 'loaded');
  const script = `
    import { writeFileSync } from 'node:fs';
    process.on('exit', () => writeFileSync(${JSON.stringify(file)}, process.moduleLoadList.join('\\n')));`;
  await using upstream = await fakeUpstream();
  const { serve } = await Serve.start(upstream, {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` },
  });
  await using _ = serve;
  serve.process.kill('SIGTERM');
  expect(await serve.exit).toBe(0);
  const loaded = readFileSync(file, 'utf8');
  expect(loaded).toContain('NativeModule http');
  expect(loaded).not.toContain('undici');
});

test("V8 is told its flags when Node's modules are loaded: what is compiled under other flags it compiles anew", async () => {
  const file = join(scratchFolder(), 'loaded');
  const script = `
    import { writeFileSync } from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import v8 from 'node:v8';
    const { setFlagsFromString } = v8;
    let loaded;
    v8.setFlagsFromString = (flag) => {
      loaded ??= process.moduleLoadList.join('\\n');
      setFlagsFromString(flag);
    };
    syncBuiltinESMExports();
    process.on('exit', () => writeFileSync(${JSON.stringify(file)}, loaded));`;
  await using upstream = await fakeUpstream();
  const { serve } = await Serve.start(upstream, {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` },
  });
  await using _ = serve;
  serve.process.kill('SIGTERM');
  expect(await serve.exit).toBe(0);
  const loaded = readFileSync(file, 'utf8').split('\n');
  const needed = ['http', 'net', 'tls', 'crypto', 'worker_threads'].map((name) => `NativeModule ${name}`);
  expect(loaded).toEqual(expect.arrayContaining(needed));
});
