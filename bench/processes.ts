/** What the kernel knows of a process, and how to start one on a chosen core. Linux only. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** User and system time of all threads of a process so far, in seconds. */
export function cpuSeconds(pid: number): number {
  // schedstat counts nanoseconds, /proc/PID/stat ticks of 10 ms; a thread that ended is missing from the former only.
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => sum + threadNanoseconds(pid, task), 0) / 1e9;
}

function threadNanoseconds(pid: number, task: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    return 0; // a helper thread that ended in between
  }
}

/** Resident memory now and its highest value since `forgetPeak`, in bytes. */
export function memory(pid: number): { readonly rss: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
  return { rss: read('VmRSS'), peak: read('VmHWM') };
}

/** Starts the peak of `memory` anew. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The cores a role may use; empty where processes cannot be pinned. */
export interface Cores {
  readonly proxy: string;
  readonly load: string;
  readonly backend: string;
}

/**
 * The proxy gets a core of its own; load generator and backend share the other, or have one each where there are three.
 */
export function chooseCores(): Cores | null {
  const list = /^Cpus_allowed_list:\s+(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const cores = list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
  });
  const [proxy, load, backend = load] = cores;
  if (proxy === undefined || load === undefined || backend === undefined) return null;
  if (spawnSync('taskset', ['-V']).error) return null;
  return { proxy, load, backend };
}

/** A process of ours. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  /** Kills it and waits until it is gone. */
  readonly stop: () => Promise<void>;
  /** The last of what it wrote to stderr. */
  readonly complaint: () => string;
}

/** A process that is spoken to in lines. */
export interface Conversation extends Running {
  readonly line: () => Promise<string>;
  readonly send: (line: string) => void;
}

/** Whether this machine lets a process run before all others on its core. */
export function mayComeFirst(): boolean {
  return spawnSync('chrt', [...first, 'true']).status === 0;
}

/** The lowest priority of real time. */
const first = ['--fifo', '1'];

/** `taskset`, `chrt` and `sh` replace themselves: the pid is the program's. */
function commandLine(command: readonly string[], core: string | undefined, comesFirst: boolean): [string, string[]] {
  const all = [
    ...(core === undefined ? [] : ['taskset', '-c', core]),
    ...(comesFirst ? ['chrt', ...first] : []),
    ...['sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', ...command],
  ];
  return [all[0]!, all.slice(1)];
}

/** What was started and has not ended. */
const running = new Set<ChildProcess>();
const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** A signal may be meant for this process alone. What it has started would hold its ports and cores for ever. */
function endWithUs(child: ChildProcess): void {
  if (!process.listeners('exit').includes(endAll)) {
    process.on('exit', endAll);
    for (const signal of deadly) {
      process.once(signal, () => {
        endAll();
        process.kill(process.pid, signal);
      });
    }
  }
  running.add(child);
  child.once('exit', () => running.delete(child));
}

function watch(child: ChildProcess, name: string): Running {
  if (child.pid === undefined) throw new Error(`cannot start ${name}`);
  endWithUs(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  return { pid: child.pid, exited, stop, complaint: () => stderr.trim() };
}

/** Starts a proxy, pinned to a core where one is given. Its stdout goes nowhere. */
export function start(command: readonly string[], core?: string): Running {
  const child = spawn(...commandLine(command, core, false), { stdio: ['ignore', 'ignore', 'pipe'] });
  return watch(child, command.join(' '));
}

/** Starts a program that is told what to do on stdin and answers on stdout; `comesFirst`: before all others there. */
export function converse(command: readonly string[], core?: string, comesFirst = false): Conversation {
  const child = spawn(...commandLine(command, core, comesFirst), { stdio: 'pipe' });
  const running = watch(child, command.join(' '));
  child.stdin.on('error', () => {}); // a program that ended early is reported by whoever waits for its line
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ...running,
    line: async () => {
      const next = await lines.next();
      if (next.done) throw new Error(running.complaint() || `${command[0]} ended`);
      return next.value;
    },
    send: (line) => child.stdin.write(`${line}\n`),
  };
}
