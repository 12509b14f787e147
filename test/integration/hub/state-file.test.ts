/** The table over a restart. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask, echo, httpServer, hubGateway } from '../../helpers/hub.ts';

const fresh = () => join(mkdtempSync(join(tmpdir(), 'state-')), 'routes.json');

test('a restart serves at once what was set before', async () => {
  const file = fresh();
  const port = await httpServer(echo);
  const first = await hubGateway({ api: `state_file: ${file}`, now: () => 1_000_000 });
  await first.set('/user/a%2Fb', port, { user: 'a/b', jupyterhub: true });
  await first.set('/gone', port);
  await first.api('/gone', { method: 'DELETE' });
  await first.stop();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const second = await hubGateway({ api: `state_file: ${file}`, now: () => 2_000_000 });
  expect((await ask(second.port, '/user/a%2Fb/x')).status).toBe(200);
  const listed = JSON.parse((await second.api('')).body);
  expect(Object.keys(listed)).toEqual(['/user/a/b']);
  expect(listed['/user/a/b']).toMatchObject({ user: 'a/b', jupyterhub: true });
  expect(second.log.find(({ event }) => event === 'routes_loaded')).toMatchObject({ routes: 1, refused: 0 });
});

test('when a route was last used is known after a restart too', async () => {
  const file = fresh();
  let now = 1_000_000;
  const api = `state_file: ${file}`;
  const first = await hubGateway({ api, now: () => now });
  await first.set('/a', await httpServer(echo));
  await expect.poll(() => readdirSync(join(file, '..'))).toEqual(['routes.json']);
  now = 2_000_000;
  expect((await ask(first.port, '/a')).status).toBe(200);
  await first.stop();
  now = 3_000_000;
  const second = await hubGateway({ api, now: () => now });
  expect(await second.lastActivity('/a')).toBe(2_000_000);
  // Nothing was used since: the file is nobody's to write.
  const { mtimeNs } = statSync(file, { bigint: true });
  await second.stop();
  expect(statSync(file, { bigint: true }).mtimeNs).toBe(mtimeNs);
});

test('it is written while Sluice runs, whole or not at all', async () => {
  const file = fresh();
  const hub = await hubGateway({ api: `state_file: ${file}` });
  await hub.set('/a', 1);
  await expect.poll(() => readdirSync(join(file, '..'))).toEqual(['routes.json']);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    sluice_routes: 1,
    routes: [['/a', expect.any(String), expect.any(Number)]],
  });
});

test.each([
  ['that was cut short', '{"sluice_routes":1,"routes":[["/a","{\\"tar', /cut short/],
  ['of a newer Sluice', '{"sluice_routes":2,"routes":{}}', /version 2/],
  ['of something else', '{"a":1}', /no file of routes/],
  ['that is a list', '[]', /no file of routes/],
  ['with rows that are none', '{"sluice_routes":1,"routes":[["/a"]]}', /no file of routes/],
])('a file %s is kept aside, and the table begins empty', async (_name, text, why) => {
  const file = fresh();
  writeFileSync(file, text);
  const hub = await hubGateway({ api: `state_file: ${file}` });
  expect((await hub.api('')).body).toBe('{}');
  expect(hub.log.find(({ event }) => event === 'routes_not_loaded')).toMatchObject({
    problem: expect.stringMatching(why),
    kept: `${file}.unusable`,
  });
  expect(readFileSync(`${file}.unusable`, 'utf8')).toBe(text);
  expect((await hub.set('/a', 1)).status).toBe(201);
});

test('rows that may not be are left out, and told of', async () => {
  const file = fresh();
  const rows = [
    ['/good', '{"target":"http://127.0.0.1:1"}', 5],
    ['/..', '{"target":"http://127.0.0.1:1"}', 5],
    ['/metadata', '{"target":"http://169.254.169.254"}', 5],
  ];
  writeFileSync(file, JSON.stringify({ sluice_routes: 1, routes: rows }));
  const hub = await hubGateway({ api: `state_file: ${file}` });
  expect(Object.keys(JSON.parse((await hub.api('')).body))).toEqual(['/good']);
  expect(await hub.lastActivity('/good')).toBe(5);
  expect(hub.log.find(({ event }) => event === 'routes_loaded')).toMatchObject({
    routes: 1,
    refused: 2,
    detail: expect.any(String),
  });
});

test('a file that cannot be written is told of, and routes are set all the same', async () => {
  const file = fresh();
  mkdirSync(`${file}.new`);
  const hub = await hubGateway({ api: `state_file: ${file}` });
  expect((await hub.set('/a', 1)).status).toBe(201);
  await expect.poll(() => hub.log.find(({ event }) => event === 'routes_not_saved')).toMatchObject({ file });
  expect((await hub.api('/a')).status).toBe(200);
});

test.each([
  [
    'of 1 GB, which is not read',
    (file: string) => {
      writeFileSync(file, '');
      truncateSync(file, 1 << 30);
    },
    /1073741824 bytes, at most 268435456/,
  ],
  ['that is a folder', (file: string) => mkdirSync(file), /is a directory/],
  ['that is a pipe', (file: string) => void execFileSync('mkfifo', [file]), /is a pipe/],
  ['that leads to itself', (file: string) => symlinkSync(file, file), /ELOOP/],
])('a file %s is kept aside, and the next one is written in its place', async (_name, make, why) => {
  const file = fresh();
  make(file);
  const hub = await hubGateway({ api: `state_file: ${file}` });
  expect(hub.log.find(({ event }) => event === 'routes_not_loaded')).toMatchObject({
    problem: expect.stringMatching(why),
    kept: `${file}.unusable`,
  });
  expect((await hub.set('/a', 1)).status).toBe(201);
  await hub.stop();
  expect(JSON.parse(readFileSync(file, 'utf8')).routes).toHaveLength(1);
});

test('what somebody has put where it is written first is neither waited for nor written to', async () => {
  const elsewhere = fresh();
  writeFileSync(elsewhere, 'precious');
  for (const put of [
    (path: string) => symlinkSync(elsewhere, path),
    (path: string) => void execFileSync('mkfifo', [path]),
  ]) {
    const file = fresh();
    put(`${file}.new`);
    const hub = await hubGateway({ api: `state_file: ${file}` });
    await hub.set('/a', 1);
    await hub.stop();
    expect(lstatSync(file).isFile()).toBe(true);
    expect(JSON.parse(readFileSync(file, 'utf8')).routes).toHaveLength(1);
  }
  expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
});

test.each([
  ['there', true],
  ['not there yet', false],
])('a link stays, and the file that it leads to is the one that is written; it is %s', async (_where, isThere) => {
  const [link, target] = [fresh(), fresh()];
  const rows = [['/before', '{"target":"http://127.0.0.1:1"}', 1]];
  if (isThere) writeFileSync(target, JSON.stringify({ sluice_routes: 1, routes: rows }));
  symlinkSync(target, link);
  const hub = await hubGateway({ api: `state_file: ${link}` });
  await hub.set('/a', 1);
  await hub.stop();
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  const paths = JSON.parse(readFileSync(target, 'utf8')).routes.map(([path]: [string]) => path);
  expect(paths).toEqual(isThere ? ['/before', '/a'] : ['/a']);
  expect([readdirSync(dirname(link)), readdirSync(dirname(target))]).toEqual([['routes.json'], ['routes.json']]);
});

test('a link that leads to no file is told of, and what it leads to stays', async () => {
  const [link, target] = [fresh(), fresh()];
  const hub = await hubGateway({ api: `state_file: ${link}` });
  execFileSync('mkfifo', [target]);
  const reader = openSync(target, constants.O_RDONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  symlinkSync(target, link);
  await hub.set('/a', 1);
  await hub.stop();
  expect(hub.log.find(({ event }) => event === 'routes_not_saved')).toMatchObject({
    error: expect.stringContaining('no file'),
  });
  expect(lstatSync(target).isFIFO()).toBe(true);
});

test('times that no clock has told are times of today, or of long ago', async () => {
  const file = fresh();
  const body = '{"target":"http://127.0.0.1:1"}';
  const rows = [
    ['/past', body, -1e300],
    ['/future', body, 1e300],
    ['/negative', body, -1],
  ];
  writeFileSync(file, JSON.stringify({ sluice_routes: 1, routes: rows }));
  const hub = await hubGateway({ api: `state_file: ${file}`, now: () => 2_000_000 });
  const { status, body: listed } = await hub.api('');
  expect(status).toBe(200);
  const times = Object.values<{ last_activity: string }>(JSON.parse(listed)).map((one) =>
    Date.parse(one.last_activity),
  );
  expect(times).toEqual([0, 2_000_000, 0]);
});

test('a process that ends does not put its older table in the place of a later one’s', async () => {
  const file = fresh();
  const api = `state_file: ${file}`;
  const saved = () => JSON.parse(readFileSync(file, 'utf8')).routes.map(([path]: [string]) => path);
  const older = await hubGateway({ api });
  await older.set('/a', 1);
  await expect.poll(() => readdirSync(join(file, '..'))).toEqual(['routes.json']);
  const later = await hubGateway({ api });
  await later.set('/b', 1);
  await expect.poll(saved).toEqual(['/a', '/b']);
  await older.set('/c', 1);
  await older.stop();
  expect(saved()).toEqual(['/a', '/b']);
  expect(older.log.find(({ event }) => event === 'routes_not_saved')).toMatchObject({
    error: expect.stringContaining('started later'),
  });
  // It goes on itself, and so does the next.
  await later.set('/d', 1);
  await later.stop();
  const last = await hubGateway({ api });
  expect(Object.keys(JSON.parse((await last.api('')).body))).toEqual(['/a', '/b', '/d']);
  await last.api('/a', { method: 'DELETE' });
  await last.stop();
  expect(saved()).toEqual(['/b', '/d']);
});

test.each([
  ['15 digits', '9'.repeat(15)],
  ['more than a number keeps apart', '9'.repeat(16)],
  ['more than a number', '9'.repeat(400)],
])(
  'whoever starts later keeps the file, also behind a start of %s that somebody has put there',
  async (_name, start) => {
    const file = fresh();
    const api = `state_file: ${file}`;
    const saved = () => JSON.parse(readFileSync(file, 'utf8')).routes.map(([path]: [string]) => path);
    writeFileSync(
      file,
      `{"sluice_routes":1,"start":${start},"routes":[["/a","{\\"target\\":\\"http://127.0.0.1:1\\"}",1]]}`,
    );
    const older = await hubGateway({ api });
    await older.set('/b', 1);
    await expect.poll(saved).toEqual(['/a', '/b']);
    const later = await hubGateway({ api });
    await later.set('/c', 1);
    await expect.poll(saved).toEqual(['/a', '/b', '/c']);
    await older.set('/d', 1);
    await older.stop();
    await later.stop();
    expect(saved()).toEqual(['/a', '/b', '/c']);
  },
);
