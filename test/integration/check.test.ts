import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { presetNames } from '../../src/config/model/presets.ts';
import { program } from '../helpers/program.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program in an empty folder, so that it names files as they were given. */
function sluice(...argv: string[]): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  execFile(process.execPath, [program, ...argv], { cwd: folder }, (error, stdout, stderr) => {
    resolve({ code: error ? error.code : 0, stdout, stderr });
  });
  return promise;
}

async function check(name: string, text: string): Promise<Result> {
  writeFileSync(join(folder, name), text);
  return sluice('check', name);
}

test('six different mistakes are six errors, each with its line and what to write instead, and exit code 2', async () => {
  const { code, stdout, stderr } = await check(
    'six.yaml',
    [
      'listen:',
      '  address: 8080',
      'routes:',
      '  - name: panel',
      '    upstream: http://panel:5006/app',
      '    preset: panle',
      '    limits:',
      '      client:',
      '        max_message_size: 20 MiBs',
      '        max_mesage_rate: 100/s',
      '  - name: panel',
      '    match: {path: /other}',
      '    upstream: http://other:5006',
    ].join('\n'),
  );
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr.trimEnd().split('\n')).toEqual([
    'error  listen.address: 8080 is not an address; write 0.0.0.0:8080, 127.0.0.1:8080, [::]:8080 or unix:/run/sluice.sock (six.yaml:2:12)',
    'error  routes[0].upstream: "http://panel:5006/app" has a path; set --prefix or base_url on the backend instead, and write http://panel:5006 (six.yaml:5:15)',
    `error  routes[0].preset: "panle" is not one of ${presetNames.join(', ')}; write panel (six.yaml:6:13)`,
    'error  routes[0].limits.client.max_message_size: "20 MiBs" is not a size; write 20MiB, 20MB or bytes (six.yaml:9:27)',
    'error  routes[0].limits.client.max_mesage_rate: unknown key; did you mean max_message_rate? (six.yaml:10:9)',
    'error  routes[1].name: "panel" is the name of the route in line 4 too; write another (six.yaml:11:11)',
  ]);
});

test('a configuration in two files is one: what holds, and from which line of which file', async () => {
  writeFileSync(join(folder, 'listener.yaml'), 'listen:\n  address: 127.0.0.1:8181\n');
  writeFileSync(join(folder, 'limits.yaml'), 'routes:\n  - {name: a, upstream: "http://h", idle_timeout: 7m}\n');
  const { code, stdout } = await sluice('check', 'listener.yaml', 'limits.yaml');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^listener\.yaml, limits\.yaml are valid: 1 route/);
  expect(stdout).toMatch(/listen\.address +127\.0\.0\.1:8181 +listener\.yaml:2\n/);
  expect(stdout).toMatch(/idle_timeout +7m +limits\.yaml:2\n/);
});

describe('a valid file', () => {
  const text = [
    'defaults:',
    '  limits: {client: {max_message_rate: 500/s, max_pause: 10s}}',
    'routes:',
    '  - name: panel',
    '    match: {hosts: [apps.example.org], path: /}',
    '    upstream: http://panel:5006',
    '    preset: panel',
    '    limits:',
    '      client: {max_message_size: 150MiB, max_buffer_size: 1MiB}',
    '      connections: {max: 2000}',
    '  - name: files',
    '    match: {path: /files}',
    '    upstream: http://panel:5007',
    '    preset: panel',
  ].join('\n');

  test('shows each limit with its source, the memory, the file sizes and the warnings, and exits with 0', async () => {
    const { code, stdout, stderr } = await check('good.yaml', text);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [panel = '', files = ''] = stdout.split(/^(?=route )/m).slice(1);
    expect(stdout).toMatch(/^good\.yaml is valid: 2 routes, 4 warnings\n/);
    expect(panel).toContain('route panel: apps.example.org/ → http://panel:5006\n  preset panel; any origin');
    expect(panel).toMatch(/^ {2}max_message_size +150MiB +line 9 +unlimited +preset$/m);
    expect(panel).toMatch(/^ {2}max_message_rate +500\/s +defaults, line 2 +unlimited +built in$/m);
    expect(panel).toMatch(/^ {2}max_control_rate +50\/s, burst 200 +built in +50\/s, burst 200 +built in$/m);
    expect(panel).toMatch(/^ {2}connections\.max +2000 +line 10$/m);
    expect(panel).toMatch(/^ {2}ping\.timeout +15m +preset$/m);
    // 2000 × (1 MiB + 256 KiB + 64 KiB + 16 KiB)
    expect(panel).toMatch(/^ {2}memory at worst +2\.59 GiB = 2000 connections × 1\.33 MiB$/m);
    expect(files).toMatch(/^ {2}files +FileInput up to about 15\.7 MB/m);
    expect(stdout).toMatch(/^worst-case memory: 8\.36 GiB\n/m);
    expect(stdout).toContain('           panel serve --websocket-max-message-size=157286400\n');
    expect(stdout.match(/^warning {2}/gm)).toHaveLength(4);
  });

  test('fits a terminal of 100 columns, and has no colours where there is no terminal', async () => {
    const { stdout } = await check('good.yaml', text);
    expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('the command line', () => {
  test.each([
    [['check'], 2, 'usage: sluice check FILE'],
    [['check'], 2, 'sluice check: no file is named\n'],
    [['check', 'a.yaml', '--all'], 2, 'sluice check: there is no flag --all; write the files alone\n'],
    [['serve'], 2, 'usage: sluice serve --config FILE'],
    [['serve'], 2, 'sluice serve: no file is named; write --config FILE\n'],
    [['serve', '--confg', 'a.yaml'], 2, "sluice serve: Unknown option '--confg'\n"],
    [['serve', '--config'], 2, "sluice serve: Option '-c, --config <value>' argument missing\n"],
    [['serve', 'a.yaml'], 2, 'sluice serve: what is a.yaml for? A file stands behind --config\n'],
    [['check', 'absent.yaml'], 2, 'absent.yaml does not exist'],
    [['chekc'], 2, 'there is no command "chekc"'],
    [['toString'], 2, 'there is no command "toString"'],
    [[], 2, 'usage: sluice COMMAND'],
  ])('sluice %j', async (argv, expected, words) => {
    const { code, stdout, stderr } = await sluice(...argv);
    expect(code).toBe(expected);
    expect(stdout).toBe('');
    expect(stderr).toContain(words);
  });

  test('help and version go to stdout', async () => {
    expect(await sluice('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('serve --config FILE') });
    expect(await sluice('check', '--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('usage') });
    expect(await sluice('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

test('an admin port that other machines reach needs a token, and serve starts nowhere while its file holds none', async () => {
  const config = (admin: string) =>
    `listen: {address: "127.0.0.1:0"}\nadmin: {${admin}}\nroutes: [{name: a, upstream: "http://127.0.0.1:1"}]\n`;
  const open = await check('open.yaml', config('address: "0.0.0.0:0"'));
  expect([open.code, open.stderr]).toEqual([
    2,
    'error  admin.address: "0.0.0.0:0" is reached from other machines, and the admin API has no token; add admin.token_file: PATH, or write 127.0.0.1:9090 or unix:/run/sluice-admin.sock (open.yaml:2:18)\n',
  ]);
  // `check` runs where no Secret is mounted.
  expect((await check('token.yaml', config('address: "0.0.0.0:0", token_file: no-token'))).code).toBe(0);
  const serve = await sluice('serve', '--config', 'token.yaml');
  expect([serve.code, serve.stderr]).toEqual([
    1,
    'sluice serve: admin.token_file no-token does not exist; write a token into it\n',
  ]);
});

test('the files of upstream_tls are read: one that cannot be used is an error, one that is not here a warning', async () => {
  const route = (ca: string) => `routes: [{name: app, upstream: "https://h", upstream_tls: {ca: ${ca}}}]\n`;
  writeFileSync(join(folder, 'ca.txt'), 'no certificate');
  expect(await check('wrong-ca.yaml', route('ca.txt'))).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'error  routes[0].upstream_tls.ca: ca.txt holds no certificate; write those of the authorities in PEM (wrong-ca.yaml:1:64)\n',
  });
  const { code, stdout } = await check('no-ca.yaml', route('absent.crt'));
  expect(code).toBe(0);
  expect(stdout).toContain(
    'warning  routes[0].upstream_tls.ca: absent.crt does not exist here; without it Sluice does not start\n' +
      '         (no-ca.yaml:1:64).',
  );
  expect(stdout).toMatch(/upstream_tls\.ca +absent\.crt +line 1\n/);
});

test('a file without an end is read to the longest that a configuration may be, and no further', async () => {
  const { code, stderr } = await sluice('check', '/dev/zero');
  expect(code).toBe(2);
  expect(stderr).toBe(
    'error  /dev/zero is longer than 1048576 bytes; give the path of a configuration file, or write less\n',
  );
});

test('a file for hub-proxy, whose flags have the address of the API, is told of as one', async () => {
  const { code, stderr } = await check('hub.yaml', 'routes_api: {templates: [{name: hub, kind: hub}]}');
  expect(code).toBe(2);
  expect(stderr).toContain('routes_api.address: is missing');
  expect(stderr).toContain(
    '`sluice hub-proxy --config` has no routes_api.address: there --api-ip and --api-port say it',
  );
  const wrong = await check('serve.yaml', 'routes_api: {address: 8001, templates: [{name: hub, kind: hub}]}');
  expect(wrong.stderr).toContain('routes_api.address: 8001 is not an address');
  expect(wrong.stderr).not.toContain('hub-proxy');
});

test('what a file holds never reaches the terminal as something that it obeys', async () => {
  writeFileSync(join(folder, 'schema.json'), '\x1b]0;owned\x07');
  const route =
    '  - {name: panel, upstream: http://panel:5006, validate: {client: {text: {json_schema: schema.json}}}}';
  const { code, stderr } = await check('controls.yaml', ['routes:', route, ''].join('\n'));
  expect(code).toBe(2);
  expect(stderr).toContain('\\x1b]0;');
  expect(stderr).not.toContain('\x1b');
});
