/** `sluice check FILE…`: every error of a configuration, or what it means. */
import { formatConfigError } from '../config/language/errors.ts';
import { readConfig } from '../config/live/read.ts';
import { checkAuthFiles } from './check-auth-files.ts';
import { checkListenFiles } from './check-listen-files.ts';
import { checkPortFiles } from './check-port-files.ts';
import { checkQuotaFiles } from './check-quota-files.ts';
import { reportConfig } from './check-report.ts';
import { checkSchemaFiles } from './check-schema-files.ts';
import { checkUpstreamFiles } from './check-upstream-files.ts';
import { judgeFindings } from './file-findings.ts';
import { complain, print } from './print.ts';
import { styleFor } from './table.ts';

const usage =
  'usage: sluice check FILE…\n\nPrints every error of a configuration and exits with 2, or its effective limits and exits with 0. A configuration\n' +
  'may stand in several files, with each top-level key in one of them.\n';

const forHubProxy =
  'A file for `sluice hub-proxy --config` has no routes_api.address: there --api-ip and --api-port say it.\n';

/** Runs the command; answers with the exit code. */
export async function run(argv: string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--help' || argv[0] === '-h')) {
    await print(usage);
    return 0;
  }
  const flag = argv.find((file) => file.startsWith('-'));
  if (argv.length === 0 || flag !== undefined) {
    const problem = flag === undefined ? 'no file is named' : `there is no flag ${flag}; write the files alone`;
    await complain(`sluice check: ${problem}\n\n${usage}`);
    return 2;
  }
  const loaded = await readConfig(argv);
  if ('errors' in loaded) {
    const { red } = styleFor(process.stderr);
    const lines = loaded.errors.map((error) => `${red('error')}  ${formatConfigError(error)}\n`);
    const isForHubProxy = loaded.errors.some(
      ({ path, message }) => path === 'routes_api.address' && message.startsWith('is missing'),
    );
    await complain(lines.join('') + (isForHubProxy ? forHubProxy : ''));
    return 2;
  }
  const found = [
    await checkListenFiles(loaded.resolved, Date.now()),
    await checkUpstreamFiles(loaded.resolved),
    await checkAuthFiles(loaded.resolved),
    await checkSchemaFiles(loaded.resolved),
    await checkQuotaFiles(loaded.resolved),
    await checkPortFiles(loaded.resolved),
  ];
  const { errors, warnings } = judgeFindings(found.flat(), loaded.places ?? new Map());
  if (errors.length > 0) {
    const { red } = styleFor(process.stderr);
    await complain(errors.map((error) => `${red('error')}  ${error}\n`).join(''));
    return 2;
  }
  await print(`${reportConfig(loaded.resolved, styleFor(process.stdout), warnings).join('\n')}\n`);
  return 0;
}
