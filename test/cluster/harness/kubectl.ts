/** kubectl as a person uses it: words in, text or objects out; a failure carries what it said. */
import { execFile } from 'node:child_process';
import { clusterProgram } from './paths.ts';

/** What a command may be given beside its words. */
export interface CommandOptions {
  /** Left out, the program asks no server. */
  readonly kubeconfig?: string;
  /** Standard input. */
  readonly input?: string;
}

/** What a command said, and whether it went well. */
export interface Answer {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl and gives its standard output; throws with its messages when it fails. */
export async function kubectl(args: readonly string[], options: CommandOptions): Promise<string> {
  return succeed(`kubectl ${args.join(' ')}`, await tryKubectl(args, options));
}

/** Runs kubectl where a refusal is what is looked for. */
export function tryKubectl(args: readonly string[], options: CommandOptions): Promise<Answer> {
  return run(clusterProgram('kubectl'), args, options);
}

/** Runs a program against the cluster, and never against one that the person who runs the tests may have. */
export function run(program: string, args: readonly string[], options: CommandOptions): Promise<Answer> {
  const { kubeconfig = '/dev/null', input = '' } = options;
  // What they learn of the server's kinds is kept beside the cluster's other state, not in the home directory.
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: `${kubeconfig}-cache` };
  return new Promise((resolve) => {
    const child = execFile(program, args, { env, maxBuffer: 64 * 2 ** 20 }, (error, stdout, stderr) =>
      resolve({ ok: error === null, stdout, stderr: stderr || (error?.message ?? '') }),
    );
    // A program that ended early is reported by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** The standard output of a command that went well. */
export function succeed(what: string, answer: Answer): string {
  if (!answer.ok) throw new Error(`${what} failed:\n${answer.stderr}${answer.stdout}`);
  return answer.stdout;
}
