/** `sluice hub-proxy`: in the place of configurable-http-proxy, with its flags, until SIGTERM or SIGINT. */
import { constants } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { tokenVariable } from '../admin/routes-api/token.ts';
import { formatListenAddress, parseListenAddress } from '../config/language/addresses.ts';
import { type FileContent, loadFiles, readFilesOnce } from '../config/live/read.ts';
import { shownError } from '../config/live/shown-error.ts';
import type { Loaded } from '../config/model/load.ts';
import { labelledRoutes, type TlsTerms } from '../config/types.ts';
import { inTurn, readSmallFile } from '../files.ts';
import { ListenFailure, listenAt } from '../gateway/listen-failure.ts';
import { createGateway, type GatewayParts } from '../gateway.ts';
import { createLog } from '../observe/log/log.ts';
import { compactHeap } from './compact-heap.ts';
import { workUntilFault } from './faults.ts';
import { type HubProxyFlags, readFlags } from './hub-proxy/flags.ts';
import { Redirects } from './hub-proxy/redirect.ts';
import { termsOf } from './hub-proxy/tls-terms.ts';
import { complain, print } from './print.ts';
import { type Process, Signals, serveUntilDrained } from './serve.ts';
import { watchConfig } from './watch-config.ts';

const usage = `usage: sluice hub-proxy [flags of configurable-http-proxy] [--config FILE …]

Runs Sluice in the place of JupyterHub's proxy: c.ConfigurableHTTPProxy.command = ["sluice", "hub-proxy"]. The hub sets the
routes; ${tokenVariable} is the token that it must show. docs/jupyterhub.md says what each flag is here. The files
say the rest, such as limits and routes_api.templates.

SIGTERM: clients are sent away with close code 1012, and the process ends within five seconds.
`;

const usualDeadlineMs = 4000;

/**
 * What holds where neither flags nor files say anything. The hub waits ten seconds for the end of its proxy. And CHP
 * bounds neither uploads nor how many tabs all users together have: whoever wants such a bound says so.
 */
const usual = {
  defaults: { http: { max_body_size: 'unlimited' }, limits: { connections: { max: 1_000_000 } } },
  drain: { announce: '0', spread: '1s', deadline: `${usualDeadlineMs}ms` },
  timeouts: { close: '2s' },
  admin: { address: '127.0.0.1:0' },
};

/** Nobody may be there to read why it does not start. */
const patienceMs = 5000;

/** Runs the command. Returns the exit code: 0, 1 where it cannot listen, 2 for wrong flags or a wrong file. */
export async function run(argv: string[]): Promise<number> {
  const flags = readFlags(argv, anyAddress());
  if (flags === null) {
    await print(usage);
    return 0;
  }
  if (Array.isArray(flags)) {
    await complain(flags.map((problem) => `sluice hub-proxy: ${problem}\n`).join(''), patienceMs);
    return 2;
  }
  const { files } = flags as HubProxyFlags;
  const signals = new Signals();
  const contents = await Promise.race([readFilesOnce(files), signals.first]);
  if (typeof contents === 'string') return 0;
  const loaded = load(flags as HubProxyFlags, contents);
  if ('errors' in loaded) {
    await complain(loaded.errors.map((error) => `error  ${shownError(error)}\n`).join(''), patienceMs);
    return 2;
  }
  const terms = await readTerms(flags as HubProxyFlags, loaded);
  if ('problem' in terms) {
    await complain(`sluice hub-proxy: ${terms.problem}\n`, patienceMs);
    return 2;
  }
  const log = createLog();
  const starting = { flags: flags as HubProxyFlags, loaded, contents, terms };
  const code = await workUntilFault(log, (leavesBy) => serve(starting, { signals, log, leavesBy }));
  await log.flush();
  return code;
}

/** Without IPv6 on this machine there is no `::` to listen on. */
function anyAddress(): string {
  const has6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6'));
  return has6 ? '::' : '0.0.0.0';
}

function load({ settings, setBy, rules }: HubProxyFlags, contents: readonly FileContent[]): Loaded {
  let loaded = loadFiles(contents, { flags: settings, setBy, usual });
  const routes = 'errors' in loaded ? [] : labelledRoutes(loaded.config);
  if (routes.some(({ drain }) => drain.deadlineMs > usualDeadlineMs)) {
    // There is time then to wait for a busy server: what it says after its time to answer a close is lost.
    const { timeouts: _, ...others } = usual;
    loaded = loadFiles(contents, { flags: settings, setBy, usual: others });
  }
  if ('errors' in loaded) return loaded;
  const { config, resolved } = loaded;
  return { config: { ...config, routesApi: { ...config.routesApi!, rules } }, resolved };
}

/** What is served beside the routes: metrics where flags want them, everything where a file has an admin port. */
function adminOf({ metrics }: HubProxyFlags, { config }: Whole): GatewayParts['admin'] | string {
  const { address } = config.admin;
  const written = address.kind === 'unix' || address.port !== 0;
  if (metrics === null) return written ? 'everything' : 'nothing';
  if (written) return '--metrics-port and admin.address of the file: both would serve the metrics; pick one';
  const parsed = parseListenAddress(metrics);
  return 'value' in parsed ? { metricsAt: parsed.value } : `--metrics-port: "${metrics}" ${parsed.problem}`;
}

/** How TLS is spoken, as far as flags say it. */
async function readTerms(
  { tls }: HubProxyFlags,
  { config: { listen, routesApi } }: Whole,
): Promise<TlsTerms | { problem: string }> {
  if (tls === null) return {};
  if (listen.tls !== null || routesApi!.tls !== null) return termsOf(tls);
  return { problem: '--ssl-protocol, --ssl-ciphers and --ssl-dhparam stand without --ssl-cert or --api-ssl-cert' };
}

type Whole = Extract<Loaded, { config: object }>;

/** What was said at the start. */
interface Starting {
  readonly flags: HubProxyFlags;
  readonly loaded: Whole;
  readonly contents: readonly FileContent[];
  readonly terms: TlsTerms;
}

/** Runs the gateway until it is drained. Returns the exit code. */
async function serve({ flags, loaded, contents, terms }: Starting, own: Process): Promise<number> {
  const { log } = own;
  const { config, resolved } = loaded;
  const admin = adminOf(flags, loaded);
  if (typeof admin === 'string' && admin !== 'everything' && admin !== 'nothing') {
    await complain(`sluice hub-proxy: ${admin}\n`, patienceMs);
    return 2;
  }
  const { defaultTarget, pidFile, redirect, keepAliveMs } = flags;
  const gateway = createGateway(config, {
    log,
    resolved,
    apiToken: process.env[tokenVariable],
    admin: admin as NonNullable<GatewayParts['admin']>,
    tlsTerms: terms,
    // The hub says who may connect, by `command_umask`.
    socketAccess: 'umask',
    ...(keepAliveMs === null ? {} : { keepAliveMs }),
  });
  if (contents.length > 0) await watchConfig(gateway, contents, log, async (changed) => load(flags, changed));
  compactHeap();
  let removePid = async () => {};
  try {
    const { address, adminAddress, routesApiAddress } = await gateway.start();
    // In the same turn: nobody who finds the port open finds the root without a route.
    const refused = defaultTarget === null ? null : gateway.setDefaultTarget(defaultTarget);
    if (refused !== null) {
      await complain(`sluice hub-proxy: --default-target: ${refused}\n`, patienceMs);
      await gateway.stop();
      return 2;
    }
    if (redirect !== null) {
      const { host, port, to } = redirect;
      const redirects = new Redirects(to, { log, hasRoom: () => gateway.hasRoom });
      const place = { kind: 'tcp', host, port } as const;
      await listenAt('--redirect-port', place, () => redirects.listen(place));
    }
    // At once: whoever sees the port open looks for it. Not before: another process may have a port, and this file.
    const unwritten = pidFile === null ? null : await writePid(pidFile);
    if (unwritten !== null) {
      await complain(
        `sluice hub-proxy: --pid-file: ${unwritten}; name a file that can be written, or leave the flag out\n`,
        patienceMs,
      );
      await gateway.stop();
      return 1;
    }
    if (pidFile !== null) removePid = () => removeOwnPid(pidFile).catch(() => {});
    log.tell('listening', {
      address: formatListenAddress(address),
      ...(adminAddress === null ? {} : { admin_address: formatListenAddress(adminAddress) }),
      routes_api_address: formatListenAddress(routesApiAddress!),
      config_hash: config.hash,
      pid: process.pid,
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    await removePid();
    const at = error instanceof ListenFailure ? `cannot listen: ${flagOf(error.key, flags)}: ` : '';
    await complain(`sluice hub-proxy: ${at}${message}\n`, patienceMs);
    return 1;
  }
  await serveUntilDrained(gateway, own);
  await removePid();
  log.tell('stopped', {});
  return 0;
}

/** What somebody changes who starts it: the flag that has set a key, or the key itself. */
function flagOf(key: string, { setBy, metrics }: HubProxyFlags): string {
  return key === 'admin.address' && metrics !== null ? '--metrics-port' : (setBy.get(key) ?? key);
}

/** Another process may have been started with the same file meanwhile: whoever looks for that one looks there. */
async function removeOwnPid(file: string): Promise<void> {
  const found = await readSmallFile(file, 32);
  if (String(found) === String(process.pid)) await inTurn(file, () => unlink(file));
}

/** Writes down which process this is; what is wrong with the file, or `null`. A pipe that nobody reads is no file. */
function writePid(file: string): Promise<string | null> {
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
  const write = () => writeFile(file, String(process.pid), { flag });
  return inTurn(file, write).then(
    () => null,
    ({ message }: Error) => message,
  );
}
