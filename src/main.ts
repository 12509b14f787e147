#!/usr/bin/env node
/** argv to a command to an exit code. Commands are loaded when asked for, so `check` never loads the gateway. */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { tuneEngine } from './cli/engine.ts';
import { complain, print } from './cli/print.ts';
import { keepSmall } from './cli/small-process.ts';
import { leaveUndici } from './cli/unused-modules.ts';

const commands: Record<string, () => Promise<{ run(argv: string[]): Promise<number> }>> = {
  serve: () => import('./cli/serve.ts'),
  check: () => import('./cli/check.ts'),
  'hub-proxy': () => import('./cli/hub-proxy.ts'),
  demo: () => import('./cli/demo.ts'),
};

const usage = `usage: sluice COMMAND

  serve --config FILE   run the gateway; --config may be repeated
  check FILE…           print the errors of a configuration, or its effective limits
  hub-proxy             run in the place of JupyterHub's proxy, with its flags
  demo                  run a small backend and Sluice in front of it
  --version             print the version
`;

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function main([name, ...argv]: string[]): Promise<number> {
  // A hub may ask its proxy, as it asks configurable-http-proxy, behind the flags that are its command.
  const ofHubProxy = name === 'hub-proxy' && argv.some((arg) => arg === '--version' || arg === '-V');
  if (name === '--version' || name === '-v' || ofHubProxy) {
    await print(`${version()}\n`);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    await print(usage);
    return 0;
  }
  if (name === undefined || !Object.hasOwn(commands, name)) {
    await complain(name === undefined ? usage : `sluice: there is no command "${name}"\n\n${usage}`);
    return 2;
  }
  if (name !== 'check') {
    keepSmall();
    leaveUndici();
  }
  const command = await commands[name]!();
  if (name !== 'check') tuneEngine();
  return command.run(argv);
}

const code = await main(process.argv.slice(2));
await release();
process.exit(code);

/**
 * Node joins its threads before it exits, and one that asks a file system which does not answer never comes back. A
 * process that shall be gone in time is then gone without that.
 */
async function release(): Promise<void> {
  const waits = () => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
  for (let tries = 0; waits() && tries < 20; tries++) await setTimeout(50);
  if (waits()) process.kill(process.pid, 'SIGKILL');
}
