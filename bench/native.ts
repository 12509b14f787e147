import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, root } from './paths.ts';

const source = (name: string): string => join(root, 'bench', 'native', name);
const headers = ['ws.h', 'accept.h'].map(source);

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function compile(name: string): string | { readonly problem: string } {
  const binary = join(cacheDir, name);
  const file = source(`${name}.c`);
  if (modifiedMs(binary) > Math.max(...[file, ...headers].map(modifiedMs))) return binary;
  const compiler = process.env.CC ?? 'cc';
  const result = spawnSync(compiler, ['-O2', '-Wall', '-o', binary, file], { encoding: 'utf8' });
  if (result.error) return { problem: `no C compiler (${compiler}): install gcc, or name another one in CC` };
  if (result.status !== 0) return { problem: `${compiler} ${file}:\n${result.stderr}` };
  return binary;
}

/** Paths of the compiled load generator and backend, compiled where they are older than their sources. */
export function nativePrograms(): { readonly load: string; readonly backend: string } | { readonly problem: string } {
  mkdirSync(cacheDir, { recursive: true });
  const load = compile('load');
  const backend = compile('backend');
  if (typeof load !== 'string') return load;
  if (typeof backend !== 'string') return backend;
  return { load, backend };
}
