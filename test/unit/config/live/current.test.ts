import { expect, test } from 'vitest';
import { CurrentConfig } from '../../../../src/config/live/current.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { createLog } from '../../../../src/observe/log/log.ts';

const valid = (more = '') => loadConfig('f', `${more}\nroutes: [{name: a, upstream: "http://h"}]\n`);

/** One in force, and the log's lines. */
function setUp() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ write: (line) => lines.push(JSON.parse(line)) });
  const loaded = valid();
  if ('errors' in loaded) throw new Error('not valid');
  return { current: new CurrentConfig(loaded.config, loaded.resolved, log), lines };
}

const nothing = () => {};

test('a line tells of at most 20 errors, and how many there are', () => {
  const { current, lines } = setUp();
  const loaded = loadConfig('f', `${Array.from({ length: 25 }, (_, i) => `wrong${i}: 1\n`).join('')}routes: 1\n`);
  expect(current.replace(loaded, nothing)).toBe(false);
  expect(lines[0]!.error_count).toBe(26);
  expect(lines[0]!.errors).toHaveLength(20);
  expect(current.state.lastError!.errors).toHaveLength(26);
});

test('templates of routes that a program sets are named with the routes that a change concerns', () => {
  const { lines } = setUp();
  const withTemplates = (...templates: string[]) =>
    valid(`routes_api: {address: "127.0.0.1:0", templates: [${templates.join(', ')}]}`);
  const started = withTemplates('{name: hub, kind: hub}', '{name: servers, kind: server}');
  if ('errors' in started) throw new Error('not valid');
  const log = createLog({ write: (line) => lines.push(JSON.parse(line)) });
  const hub = new CurrentConfig(started.config, started.resolved, log);
  hub.replace(withTemplates('{name: hub, kind: hub}', '{name: servers, kind: server, idle_timeout: 5m}'), nothing);
  hub.replace(withTemplates('{name: hub, kind: hub}', '{name: users, kind: server, idle_timeout: 5m}'), nothing);
  expect(lines).toMatchObject([
    { routes_added: [], routes_changed: ['servers'], routes_removed: [] },
    { routes_added: ['users'], routes_changed: [], routes_removed: ['servers'] },
  ]);
});

test('what cannot be applied is not in force', () => {
  const { current, lines } = setUp();
  const before = current.state;
  const broken = () => {
    throw new Error('a bug');
  };
  expect(() => current.replace(valid('timeouts: {close: 1s}'), broken)).toThrow('a bug');
  expect([current.state, current.reloads, lines]).toEqual([before, { success: 0, failure: 0 }, []]);
});

test('attempts are counted by what came of them', () => {
  const { current } = setUp();
  for (const text of ['timeouts: {close: 1s}', 'oops: 1', 'oops: 2']) current.replace(valid(text), nothing);
  expect(current.reloads).toEqual({ success: 1, failure: 2 });
  expect(current.config.routes[0]!.timeouts.closeMs).toBe(1000);
});

test('a key that needs a restart is named until the files say again what is in force', () => {
  const { current, lines } = setUp();
  current.replace(valid('listen: {address: "h:1"}'), nothing);
  expect(current.state.needsRestart).toEqual(['listen.address']);
  current.replace(valid(), nothing);
  expect(current.state.needsRestart).toEqual([]);
  expect(lines.map(({ event }) => event)).toEqual(['config_reloaded', 'config_needs_restart', 'config_reloaded']);
});

test('routes stay in force where the files leave them to a program that can set none before a restart', () => {
  const { current, lines } = setUp();
  const loaded = loadConfig('f', 'routes_api: {address: "127.0.0.1:0"}');
  expect(loaded).toHaveProperty('config');
  expect(current.replace(loaded, nothing)).toBe(false);
  expect(current.config.routes.map(({ name }) => name)).toEqual(['a']);
  expect(lines).toEqual([
    expect.objectContaining({
      event: 'config_rejected',
      errors: [
        'f routes: would be none until a restart, as routes_api holds only from then on; keep a route, or restart',
      ],
    }),
  ]);
});

test.each([
  'admin: {token_file: [hunter2]}',
  'admin: {token_file: {a: hunter2}}',
  'admin: {token_file: 40771}',
  'defaults: {upstream_tls: {client_key: 40771}}',
  'defaults: {upstream_tls: {client_key: {x: "hunter2 is not a"}}}',
])('a secret that stands where a file of it belongs is not in the log: %s', (text) => {
  const { current, lines } = setUp();
  expect(current.replace(valid(text), nothing)).toBe(false);
  expect(JSON.stringify(lines)).toContain('[redacted]');
  expect(JSON.stringify(lines)).not.toMatch(/hunter2|40771/);
});
