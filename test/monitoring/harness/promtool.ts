/** Runs Prometheus's own checker. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { bin } from './paths.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs promtool with these arguments, and `input` on its standard input. */
export async function promtool(args: readonly string[], input = ''): Promise<Verdict> {
  const child = spawn(bin('promtool'), args, { stdio: 'pipe' });
  const exit = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { ok: code === 0, output: out + err };
}

/** Fails with promtool's own words. */
export function expectOk({ ok, output }: Verdict): void {
  expect(ok, output).toBe(true);
}
