/** Runs Autobahn's cases by `kosoku`, a Python runner of them, and reads its verdicts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { freePort } from '../real/harness/ports.ts';

/** What the runner says of one case: how the peer behaved, and how it closed. */
export interface CaseVerdict {
  readonly behavior: string;
  readonly behaviorClose: string;
}

/** By the number of the case, such as `7.5.1`. */
export type Verdicts = ReadonlyMap<string, CaseVerdict>;

const runner = join(import.meta.dirname, '../../.cache/venv-conformance/bin/kosoku');
/**
 * What the runner does to a server and what it does to a client; 12 and 13 need compression, which Sluice leaves out.
 */
const excluded = ['-x', '12.*', '-x', '13.*'];

/** Drives a server with every case. */
export async function runAgainstServer(url: string): Promise<Verdicts> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cases-'));
  const child = spawn(runner, ['-m', 'fuzzingclient', ...excluded, '-p', '4', '-o', folder, url], { stdio: 'pipe' });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const [code] = await once(child, 'exit');
  // 1 says that cases failed, which the verdicts tell.
  if (code !== 0 && code !== 1) throw new Error(`the runner ended with ${code}: ${said}`);
  return readVerdicts(folder);
}

/** Starts a server that puts every case to whoever asks for it. */
export async function startCaseServer(): Promise<CaseServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-cases-'));
  const port = await freePort();
  const child = spawn(runner, ['-m', 'fuzzingserver', ...excluded, '-o', folder, `127.0.0.1:${port}`], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  while (!(await accepts(port))) await delay(50);
  return {
    port,
    verdicts: async () => {
      await exited;
      return readVerdicts(folder);
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
    },
  };
}

export interface CaseServer extends AsyncDisposable {
  readonly port: number;
  /** What it writes down when it ends, which is when it was told that all cases are done. */
  verdicts(): Promise<Verdicts>;
}

/** Asks for every case in turn and echoes what comes, as Autobahn's own test clients do. */
export async function echoEveryCase(url: string, agent: string): Promise<void> {
  const count = Number(await firstMessage(`${url}/getCaseCount`));
  for (let number = 1; number <= count; number++) await echo(`${url}/runCase?case=${number}&agent=${agent}`);
  await echo(`${url}/updateReports?agent=${agent}`);
}

const options = { perMessageDeflate: false, maxFragments: 0, maxBufferedChunks: 0 };

async function firstMessage(url: string): Promise<string> {
  const socket = new WebSocket(url, options);
  const [data] = await once(socket, 'message');
  socket.close();
  return String(data);
}

async function echo(url: string): Promise<void> {
  const socket = new WebSocket(url, options);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => {});
  socket.on('message', (data, binary) => socket.send(data, { binary }, () => {}));
  await closed;
}

function readVerdicts(folder: string): Verdicts {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Record<
    string,
    Record<string, CaseVerdict>
  >;
  const [ofAgent] = Object.values(index);
  return new Map(Object.entries(ofAgent ?? {}));
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return accepted;
}
