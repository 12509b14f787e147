/** `sluice serve --config FILE…`: runs the gateway until SIGTERM or SIGINT. */
import { parseArgs } from 'node:util';
import { tokenVariable } from '../admin/routes-api/token.ts';
import { formatListenAddress } from '../config/language/addresses.ts';
import { namesOf } from '../config/live/current.ts';
import { type FileContent, loadFiles, readFilesOnce } from '../config/live/read.ts';
import { shownError } from '../config/live/shown-error.ts';
import type { Loaded } from '../config/model/load.ts';
import type { Config } from '../config/types.ts';
import { ListenFailure } from '../gateway/listen-failure.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { createLog, type Log } from '../observe/log/log.ts';
import { compactHeap } from './compact-heap.ts';
import { type Leave, workUntilFault } from './faults.ts';
import { complain, print } from './print.ts';
import { watchConfig } from './watch-config.ts';

const usage = `usage: sluice serve --config FILE [--config FILE …]

Runs the gateway. The configuration may stand in several files, with each top-level key in one of them. When a file changes, or
on SIGHUP, it is loaded anew and no connection is closed.

SIGTERM drains it: as \`drain\` of the configuration says, clients are sent away with close code 1012, and the process ends when
all are gone. SIGINT does so without the announcement. A second signal sends away whoever is left, and the process ends within
a second. SIGUSR1 and SIGUSR2 do nothing.
`;

/** Nobody may be there to read why it does not start. */
const patienceMs = 5000;

/** Runs the command. Returns the exit code: 0, 1 where it cannot listen, 2 for wrong arguments or a wrong file. */
export async function run(argv: string[]): Promise<number> {
  const files = parseFiles(argv);
  if (files === null) {
    await print(usage);
    return 0;
  }
  if ('problem' in files) {
    await complain(`sluice serve: ${files.problem}\n\n${usage}`);
    return 2;
  }
  // First of all: as process 1 of a container a signal without a handler would be lost.
  const signals = new Signals();
  // A pipe among them may never be written to.
  const contents = await Promise.race([readFilesOnce(files), signals.first]);
  if (typeof contents === 'string') return 0;
  const loaded = loadFiles(contents);
  if ('errors' in loaded) {
    await complain(loaded.errors.map((error) => `error  ${shownError(error)}\n`).join(''), patienceMs);
    return 2;
  }
  const log = createLog();
  const code = await workUntilFault(log, (leavesBy) => serve(loaded, contents, { signals, log, leavesBy }));
  await log.flush();
  return code;
}

/** What a process that serves has of its own. */
export interface Process {
  readonly signals: Signals;
  readonly log: Log;
  readonly leavesBy: (leave: Leave) => void;
}

/** Runs the gateway until it is drained. Returns the exit code. */
async function serve(
  { config, resolved }: Extract<Loaded, { config: Config }>,
  contents: readonly FileContent[],
  own: Process,
): Promise<number> {
  const { log } = own;
  const gateway = createGateway(config, { log, resolved, apiToken: process.env[tokenVariable] });
  await watchConfig(gateway, contents, log);
  compactHeap();
  try {
    const { address, adminAddress, routesApiAddress } = await gateway.start();
    log.tell('listening', {
      address: formatListenAddress(address),
      admin_address: formatListenAddress(adminAddress!),
      ...(routesApiAddress === null ? {} : { routes_api_address: formatListenAddress(routesApiAddress) }),
      routes: namesOf(config.routes),
      config_hash: config.hash,
      pid: process.pid,
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const at = error instanceof ListenFailure ? `cannot listen: ${error.key}: ` : '';
    await complain(`sluice serve: ${at}${message}\n`, patienceMs);
    return 1;
  }
  await serveUntilDrained(gateway, own);
  log.tell('stopped', {});
  return 0;
}

/** Lets a gateway that listens serve until a signal, or its API, has taken it away. */
export async function serveUntilDrained(gateway: Gateway, { signals, leavesBy }: Process): Promise<void> {
  leavesBy(() => gateway.abandon());
  void signals.first.then((cause) => {
    // A person at a terminal has no load balancer that must notice first.
    void gateway.drain({ cause, announce: cause === 'SIGTERM' });
    signals.onSecond(() => gateway.hasten());
  });
  await gateway.drained;
}

/** The files; `null` where help is asked for, the problem of wrong arguments. */
function parseFiles(argv: string[]): readonly string[] | null | { readonly problem: string } {
  try {
    const { values, positionals } = parseArgs({
      args: argv,
      options: { config: { type: 'string', short: 'c', multiple: true }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    if (values.help) return null;
    if (positionals.length > 0) return { problem: `what is ${positionals[0]} for? A file stands behind --config` };
    return values.config ?? { problem: 'no file is named; write --config FILE' };
  } catch (error) {
    // Node's further advice is about `--` and positional arguments.
    return { problem: (error as Error).message.split('. ')[0]! };
  }
}

type EndingSignal = 'SIGTERM' | 'SIGINT';

/** The signals that end the process. */
export class Signals {
  readonly first: Promise<EndingSignal>;
  #count = 0;
  #hasten = () => {};

  constructor() {
    const { promise, resolve } = Promise.withResolvers<EndingSignal>();
    const onSignal = (signal: NodeJS.Signals) => {
      resolve(signal as EndingSignal);
      if (++this.#count > 1) this.#hasten();
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    // Node would open its debugger on the first, to anybody on this machine, and die of the second without a drain. It
    // would die of SIGHUP until the files are watched, and they are looked at then.
    for (const unused of ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const) process.on(unused, () => {});
    this.first = promise;
  }

  /** Calls `hasten` at each further signal, and at once where there was one already. */
  onSecond(hasten: () => void): void {
    this.#hasten = hasten;
    if (this.#count > 1) hasten();
  }
}
