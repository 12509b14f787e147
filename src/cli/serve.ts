/** `sluice serve --config FILE…`: runs the gateway until SIGTERM or SIGINT. */
import { parseArgs } from 'node:util';
import { formatListenAddress } from '../config/addresses.ts';
import { formatConfigError } from '../config/errors.ts';
import { loadFiles, readFiles } from '../config/read.ts';
import { createGateway } from '../gateway.ts';
import { createLog } from '../log.ts';
import { compactHeap } from './compact-heap.ts';
import { watchConfig } from './watch-config.ts';

const usage = `usage: sluice serve --config FILE [--config FILE …]

Runs the gateway. The configuration may stand in several files, with each top-level key in one of them. When a file changes, or
on SIGHUP, it is loaded anew and no connection is closed.

SIGTERM drains it: as \`drain\` of the configuration says, clients are sent away with close code 1012, and the process ends when
all are gone. SIGINT does so without the announcement. A second signal sends away whoever is left, and the process ends within
a second.
`;

/** What the gateway itself says of a start that it refuses; other errors are the system's. */
const refusals: ReadonlySet<string> = new Set(['ERR_ADMIN_TOKEN', 'ERR_LISTEN_TLS']);

/** Runs the command. Returns the exit code: 0, 1 where it cannot listen, 2 for wrong arguments or a wrong file. */
export async function run(argv: string[]): Promise<number> {
  const files = parseFiles(argv);
  if (files === null) {
    process.stdout.write(usage);
    return 0;
  }
  if (files === undefined) {
    process.stderr.write(usage);
    return 2;
  }
  // First of all: as process 1 of a container a signal without a handler would be lost.
  const signals = new Signals();
  const contents = await readFiles(files);
  const loaded = loadFiles(contents);
  if ('errors' in loaded) {
    process.stderr.write(loaded.errors.map((error) => `error  ${formatConfigError(error)}\n`).join(''));
    return 2;
  }
  const { config, resolved } = loaded;
  const log = createLog();
  const gateway = createGateway(config, { log, resolved });
  await watchConfig(gateway, contents, log);
  compactHeap();
  try {
    const { address, adminAddress } = await gateway.start();
    log.info(
      {
        event: 'listening',
        address: formatListenAddress(address),
        admin_address: formatListenAddress(adminAddress),
        routes: config.routes.map(({ name }) => name),
        config_hash: config.hash,
        pid: process.pid,
      },
      'sluice is listening',
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    process.stderr.write(`sluice serve: ${refusals.has(code) ? '' : 'cannot listen: '}${message}\n`);
    return 1;
  }
  void signals.first.then((cause) => {
    // A person at a terminal has no load balancer that must notice first.
    void gateway.drain({ cause, announce: cause === 'SIGTERM' });
    signals.onSecond(() => gateway.hasten());
  });
  await gateway.drained;
  log.info({ event: 'stopped' }, 'sluice has stopped');
  return 0;
}

/** The files; `null` where help is asked for, `undefined` for wrong arguments. */
function parseFiles(argv: string[]): readonly string[] | null | undefined {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { config: { type: 'string', short: 'c', multiple: true }, help: { type: 'boolean', short: 'h' } },
    });
    return values.help ? null : values.config;
  } catch {
    return undefined;
  }
}

type EndingSignal = 'SIGTERM' | 'SIGINT';

/** The signals that end the process. */
class Signals {
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
    this.first = promise;
  }

  /** Calls `hasten` at each further signal, and at once where there was one already. */
  onSecond(hasten: () => void): void {
    this.#hasten = hasten;
    if (this.#count > 1) hasten();
  }
}
