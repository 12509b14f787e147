/** A command of `sluice` that ends by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { program } from './program.ts';

/** Runs it to its end. */
export async function runCommand(
  ...argv: string[]
): Promise<{ readonly code: number | null; readonly errors: string }> {
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { code: code as number | null, errors };
}
