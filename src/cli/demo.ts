/** `sluice demo`: a small server, Sluice before it, and a page where a person meets the limits. */
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import { flush, openStandardSink } from '../observe/log/log.ts';
import { type Demo, startDemo } from './demo-start.ts';
import { complain, print } from './print.ts';

const usage = `usage: sluice demo [--port N]

Starts a small server with Sluice before it, on loopback, and a page to try the limits of config/demo.yaml.

  --port N   Sluice listens on N, the server on N+1, metrics on N+2 (default: as in config/demo.yaml)
`;

/** Runs the demo until SIGINT or SIGTERM. Returns the exit code: 0, 1 where a port is taken, 2 for wrong arguments. */
export async function run(argv: string[]): Promise<number> {
  const port = parsePort(argv);
  if (typeof port === 'string') {
    if (port === usage) await print(usage);
    else await complain(port);
    return port === usage ? 0 : 2;
  }
  const output = openStandardSink();
  let demo: Demo;
  try {
    demo = await startDemo(port, (line) => output.write(line));
  } catch (error) {
    const { code, port: taken } = error as NodeJS.ErrnoException & { port?: number };
    if (code !== 'EADDRINUSE') throw error;
    await complain(`sluice demo: port ${taken} is taken, perhaps by another demo; choose others: --port 9610\n`);
    return 1;
  }
  output.write(banner(demo));
  await signalled();
  const impatience = new AbortController();
  void signalled().then(() => impatience.abort());
  await demo.stop(impatience.signal);
  await flush(output);
  return 0;
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

/** The port, `null` for those of the file, or what to tell the person. */
function parsePort(argv: string[]): number | null | string {
  try {
    const { values } = parseArgs({
      args: argv,
      options: { port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return usage;
    if (values.port === undefined) return null;
    const port = Number(values.port);
    if (/^\d+$/.test(values.port) && port <= 65_533) return port;
    return `sluice demo: --port ${values.port} is not a port; write a number from 1 to 65533, or 0 for free ones\n`;
  } catch (error) {
    return `sluice demo: ${(error as Error).message}\n\n${usage}`;
  }
}

function banner({ gateway, backend, admin }: Demo): string {
  const bold = (text: string) => (isatty(1) ? `\u001b[1m${text}\u001b[0m` : text);
  return `
  ${bold('Sluice demo')}

  Open      ${bold(gateway)}
  Server    ${backend}   behind Sluice; it knows no limits
  Status    ${admin}
  Metrics   ${admin}/metrics
  Limits    config/demo.yaml

  Ctrl+C ends it. Sluice's log follows.

`;
}
