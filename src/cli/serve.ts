/** `sluice serve --config FILE…`: runs the gateway until SIGTERM or SIGINT. */
import { parseArgs } from 'node:util';
import { formatListenAddress } from '../config/addresses.ts';
import { formatConfigError } from '../config/errors.ts';
import { readConfig } from '../config/read.ts';
import { createGateway } from '../gateway.ts';
import { createLog } from '../log.ts';
import { compactHeap } from './compact-heap.ts';

const usage = `usage: sluice serve --config FILE [--config FILE …]

Runs the gateway. The configuration may stand in several files, with each top-level key in one of them. SIGTERM and SIGINT send every client away with close code 1012 and end the process when all are gone;
a second signal ends it at once.
`;

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
  const loaded = await readConfig(files);
  if ('errors' in loaded) {
    process.stderr.write(loaded.errors.map((error) => `error  ${formatConfigError(error)}\n`).join(''));
    return 2;
  }
  const { config, resolved } = loaded;
  const log = createLog();
  const gateway = createGateway(config, { log, resolved });
  // Before listening, so that a signal is never missed.
  const signals = new Signals();
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
    process.stderr.write(`sluice serve: ${code === 'ERR_ADMIN_TOKEN' ? '' : 'cannot listen: '}${message}\n`);
    return 1;
  }
  const signal = await signals.first;
  const connections = gateway.sessions.sessions.size;
  log.info({ event: 'draining', signal, connections }, 'sluice is shutting down');
  await gateway.stop(signals.second);
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

/** The signals that end the process. */
class Signals {
  readonly first: Promise<NodeJS.Signals>;
  /** Aborted by the second signal. */
  readonly second: AbortSignal;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
    const second = new AbortController();
    let seen = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (seen) second.abort();
      seen = true;
      resolve(signal);
    };
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    this.first = promise;
    this.second = second.signal;
  }
}
