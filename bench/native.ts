/** The load generators and the backend, which are C: compiled when they are older than their sources. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDir, root } from './paths.ts';

const source = (name: string): string => join(root, 'bench', 'native', name);
const headers = ['ws.h', 'accept.h', 'latency.h'].map(source);

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

const names = ['load', 'http-load', 'backend'] as const;

/** Paths of the compiled load generators and the backend, compiled where they are older than their sources. */
export function nativePrograms(): Readonly<Record<(typeof names)[number], string>> | { readonly problem: string } {
  mkdirSync(cacheDir, { recursive: true });
  const compiled = names.map((name) => [name, compile(name)] as const);
  for (const [, program] of compiled) if (typeof program !== 'string') return program;
  return Object.fromEntries(compiled) as Record<(typeof names)[number], string>;
}
