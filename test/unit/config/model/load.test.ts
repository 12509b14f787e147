import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConfigError, formatConfigError } from '../../../../src/config/language/errors.ts';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { presetNames } from '../../../../src/config/model/presets.ts';

const route = (more = '') => `routes:\n  - name: app\n    upstream: http://app:80\n${more}`;

function errorsOf(text: string): readonly ConfigError[] {
  const loaded = loadConfig('sluice.yaml', text);
  if (!('errors' in loaded)) throw new Error('it is valid');
  expect(loaded.errors).not.toHaveLength(0);
  return loaded.errors;
}

function linesOf(text: string): string[] {
  return errorsOf(text).map(formatConfigError);
}

test('a minimal file is a configuration with what is built in', () => {
  const text = route();
  const loaded = loadConfig('sluice.yaml', text);
  expect(loaded).toMatchObject({
    config: {
      files: ['sluice.yaml'],
      hash: createHash('sha256').update(text).digest('hex'),
      listen: { address: { kind: 'tcp', host: '0.0.0.0', port: 8080 }, trustedProxies: [] },
      admin: { address: { kind: 'tcp', host: '127.0.0.1', port: 9090 } },
      routes: [{ name: 'app', hosts: [], path: '/', preset: null, origins: null, requireOrigin: false }],
    },
  });
});

test("the design's sentence: path, what was found, what to write, where", () => {
  const text = [
    'listen:',
    '  address: 0.0.0.0:8080',
    'admin:',
    '  address: 127.0.0.1:9090',
    '',
    'routes:',
    '  - name: panel',
    '    match: {path: /}',
    '    upstream: http://panel:5006',
    '    preset: panel',
    '    limits:',
    '      mode: enforce',
    '      client:',
    '        max_message_size: 20 MiBs',
  ].join('\n');
  expect(errorsOf(text).map((error) => ({ ...error }))).toEqual([
    {
      file: 'sluice.yaml',
      line: 14,
      column: 27,
      path: 'routes[0].limits.client.max_message_size',
      message: '"20 MiBs" is not a size; write 20MiB, 20MB or bytes',
    },
  ]);
  expect(linesOf(text)).toEqual([
    'routes[0].limits.client.max_message_size: "20 MiBs" is not a size; write 20MiB, 20MB or bytes (sluice.yaml:14:27)',
  ]);
});

describe('one mistake', () => {
  test.each([
    [
      'an unknown key',
      `${route()}    idel_timeout: 5m\n`,
      'routes[0].idel_timeout: unknown key; did you mean idle_timeout? (sluice.yaml:4:5)',
    ],
    [
      'a key that belongs elsewhere',
      `${route()}    connections: {max: 3}\n`,
      'routes[0].connections: unknown key; it belongs in routes[0].limits (sluice.yaml:4:5)',
    ],
    [
      'a key that belongs in one of two places',
      `defaults: {limits: {max_queue: 3}}\n${route()}`,
      'defaults.limits.max_queue: unknown key; it belongs in defaults.limits.client or defaults.limits.upstream (sluice.yaml:1:21)',
    ],
    [
      'a key of a later release',
      `admin: {token: x}\n${route()}`,
      'admin.token: unknown key; remove it, or write one of address, token_file (sluice.yaml:1:9)',
    ],
    [
      'a key of the top level',
      `${route()}    admin: {}\n`,
      'routes[0].admin: unknown key; remove it, or write one of name, match, upstream, preset, origins, require_origin, access, rates, identity, auth, identity_headers, validate, limits, ping, idle_timeout, max_lifetime, drain, http, upstream_tls (sluice.yaml:4:5)',
    ],
    [
      'a duplicate key',
      `${route()}    name: app\n`,
      'routes[0].name: is written twice, first in line 2; keep one (sluice.yaml:4:5)',
    ],
    [
      'a missing key',
      'routes:\n  - name: app\n',
      'routes[0].upstream: is missing; write http://host:port (sluice.yaml:2:5)',
    ],
    [
      'no routes',
      'admin: {address: 127.0.0.1:1}\n',
      'routes: is missing; write [one, two], or one line for each with a dash (sluice.yaml:1:1)',
    ],
    [
      'an empty list of routes',
      'routes: []\n',
      'routes: [] is an empty list; write at least one entry (sluice.yaml:1:9)',
    ],
    [
      'an empty value',
      `${route()}    idle_timeout:\n`,
      'routes[0].idle_timeout: is empty; write 30s, 30m, 30ms, or off, or remove the key (sluice.yaml:4:18)',
    ],
    [
      'a key without a colon',
      '{routes}\n',
      'routes: is empty; write [one, two], or one line for each with a dash, or remove the key (sluice.yaml:1:2)',
    ],
    [
      'an empty section',
      `admin:\n${route()}`,
      'admin: is empty; write its keys below it, indented, or remove the key (sluice.yaml:1:7)',
    ],
    [
      'a text for a list',
      `${route()}    origins: https://a.example\n`,
      'routes[0].origins: "https://a.example" is not a list; write [one, two], or one line for each with a dash (sluice.yaml:4:14)',
    ],
    [
      'a list for a mapping',
      `${route()}    limits: [1]\n`,
      'routes[0].limits: [1] is not a mapping; write its keys below it, indented (sluice.yaml:4:13)',
    ],
    [
      'a text for true',
      `${route()}    require_origin: yes\n`,
      'routes[0].require_origin: "yes" is neither true nor false; write true or false (sluice.yaml:4:21)',
    ],
    [
      'a misspelt preset',
      `${route()}    preset: jupiter\n`,
      `routes[0].preset: "jupiter" is not one of ${presetNames.join(', ')}; write jupyter (sluice.yaml:4:13)`,
    ],
    [
      'a preset that is a mapping',
      `${route()}    preset: {toString: 0}\n`,
      expect.stringContaining('routes[0].preset: {"toString":0} is not one of panel'),
    ],
    [
      'a mode that does not exist',
      `${route()}    limits: {mode: observe}\n`,
      'routes[0].limits.mode: "observe" is not one of enforce, report; write enforce or report (sluice.yaml:4:20)',
    ],
    [
      '2^60, with its own digits',
      `${route()}    limits: {client: {max_message_size: 1152921504606846976}}\n`,
      'routes[0].limits.client.max_message_size: 1152921504606846976 is too large for a size; write at most 8191TiB (sluice.yaml:4:41)',
    ],
    [
      'a bad rate inside a mapping',
      `${route()}    limits: {client: {max_byte_rate: {rate: fast}}}\n`,
      'routes[0].limits.client.max_byte_rate.rate: "fast" is not a rate per second; write 10MiB/s (sluice.yaml:4:45)',
    ],
    [
      'a long value, cut',
      `${route()}    preset: ${'x'.repeat(500)}\n`,
      expect.stringMatching(/^routes\[0\]\.preset: "x{79}… is not one of/),
    ],
    [
      'both sides on one address',
      `listen: {address: 127.0.0.1:9090}\n${route()}`,
      'admin.address: "127.0.0.1:9090" is listen.address too; write another port (sluice.yaml:1:1)',
    ],
    [
      'a top level that is a list',
      '- a\n',
      '["a"] is not a mapping; write its keys below it, indented (sluice.yaml:1:1)',
    ],
    ['an empty file', '# nothing\n', 'sluice.yaml is empty; write at least one key'],
  ])('%s', (_, text, line) => {
    expect(linesOf(text)).toEqual([line]);
  });
});

test.each(['$' + '{HOST}:8080', '$ADDRESS'])('a variable, %s, is told of as one', (address) => {
  expect(linesOf(`listen: {address: "${address}"}\n${route()}`)).toEqual([
    `listen.address: "${address}" holds a variable, and Sluice fills in none; write 0.0.0.0:8080, 127.0.0.1:8080, [::]:8080 or unix:/run/sluice.sock (sluice.yaml:1:19)`,
  ]);
});

describe('broken YAML', () => {
  test.each([
    ['an open bracket', 'routes: [1, 2\n', 'is not valid YAML:', 2],
    ['a line that stands too far left', `${route()}   preset: panel\n`, 'lines before for indentation', 4],
    ['a tab', 'routes:\n\t- name: a\n', 'spaces', 2],
    ['two documents', `${route()}---\n${route()}`, 'a second document begins here', 4],
    ['a tag', 'routes: !secret x\n', 'has a tag; write the plain value', 1],
    ['an unquoted asterisk', 'routes:\n  - name: *\n', 'YAML', 2],
    ['an alias without its anchor', 'routes: *all\n', 'the alias *all has no anchor before it', 1],
    ['an alias inside its anchor', 'routes: &all [*all]\n', 'the alias *all stands inside its own anchor', 1],
    ['a key that is a list', '? [a]\n: 1\n', 'a key here is not a name', 1],
    ['a key that would change the prototype', '__proto__: {a: 1}\n', 'a key here is not a name', 1],
    ['100 000 brackets', '['.repeat(100_000), 'nested too deeply', 1],
    ['500 000 directives', '%\n'.repeat(500_000), 'than 50000 values can take', 200_001],
    ['40 levels', `${'{a: '.repeat(40)}1${'}'.repeat(40)}`, 'nested too deeply', 1],
  ])('%s', (_, text, message, line) => {
    const errors = errorsOf(text);
    const error = errors.find((candidate) => candidate.message.includes(message));
    expect(error?.line).toBe(line);
    expect(error?.column).toBeGreaterThan(0);
  });

  test('of more errors than anybody reads the first ten thousand are told', () => {
    const errors = errorsOf(Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join(''));
    expect(errors).toHaveLength(10_001);
    expect(formatConfigError(errors[1]!)).toMatch(/^k0: unknown key; .* \(sluice\.yaml:1:1\)$/);
    expect(formatConfigError(errors[10_000]!)).toBe(
      'sluice.yaml has 10001 more errors; correct the first 10000 before',
    );
  });

  test('what a text quotes opens nothing', () => {
    const text = `${route()}    origins:\n${'      - "["\n'.repeat(50)}`;
    expect(linesOf(text)[0]).toContain('routes[0].origins[0]: "["');
  });

  test('an alias bomb is one error, at the place where it grows too large', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 12; i++)
      bomb.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    const errors = errorsOf(bomb.join('\n'));
    const grown = errors.filter(({ message }) => message.includes('aliases included'));
    expect(grown).toHaveLength(1);
    expect(grown[0]!.line).toBeGreaterThan(3);
    expect(grown[0]!.line).toBeLessThan(8);
  });

  test('a value that cannot be read is one error, not also an empty or a missing one', () => {
    expect(linesOf('routes: *all\n')).toEqual([
      'routes: the alias *all has no anchor before it; write the value itself (a text with * needs quotes) (sluice.yaml:1:9)',
    ]);
  });

  test('a merge key is one error: what it was to bring is not told of as missing, nor what stands where it does not', () => {
    const text = `${route().replace('- name', '- &r\n    name')}  - {<<: *r, name: b}\n  - {<<: *r, name: c}\n`;
    expect(linesOf(text)).toEqual(
      [1, 2].map(
        (i) =>
          `routes[${i}].<<: merge keys are not taken; write here the keys that the anchor has (sluice.yaml:${i + 4}:6)`,
      ),
    );
  });

  test('an alias for a repeated part is no mistake', () => {
    const text = `${route('    limits: &small {client: {max_message_size: 1MiB}}\n')}  - name: b\n    match: {path: /b}\n    upstream: http://b:80\n    limits: *small\n`;
    const loaded = loadConfig('f', text);
    if ('errors' in loaded) throw new Error(loaded.errors.map(formatConfigError).join());
    expect(loaded.config.routes.map(({ limits }) => limits.client.maxMessageBytes)).toEqual([1_048_576, 1_048_576]);
  });
});

describe('any mutation of a valid file', () => {
  const valid = ['config/sluice.yaml', 'config/examples/panel.yaml', 'config/examples/fastapi.yaml'].map((file) =>
    readFileSync(new URL(`../../../../${file}`, import.meta.url), 'utf8'),
  );

  function expectVerdict(text: string): void {
    const loaded = loadConfig('f', text);
    if (!('errors' in loaded)) {
      expect(loaded.config.routes.length).toBeGreaterThan(0);
      return;
    }
    const lines = text.split(/\r\n|\r|\n/).length;
    expect(loaded.errors.length).toBeGreaterThan(0);
    for (const { line, column, message } of loaded.errors) {
      expect(line).toBeLessThanOrEqual(lines + 1);
      if (line === 0) expect(message).toContain('is empty');
      else expect(column).toBeGreaterThan(0);
    }
  }

  test('of its characters gives a configuration or errors with positions, never an exception', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ':',
        '- ',
        '\n',
        '\t',
        '*',
        '&a ',
        '*a',
        '"',
        "'",
        '|',
        '>',
        '?',
        '!',
        '#',
        '%',
        '---\n',
        '0',
        '-1',
        'off',
        'null',
        '~',
      ),
      fc.string({ maxLength: 6, unit: 'binary' }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...valid),
        fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), piece }), {
          minLength: 1,
          maxLength: 4,
        }),
        (text, edits) => {
          let edited = text;
          for (const { at, cut, piece } of edits) {
            const start = Math.floor(at * edited.length);
            edited = edited.slice(0, start) + piece + edited.slice(start + cut);
          }
          expectVerdict(edited);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('of its values does so too', () => {
    const value = fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json));
    fc.assert(
      fc.property(fc.constantFrom(...valid), fc.nat(200), value, (text, n, json) => {
        const lines = text.split('\n');
        const keyed = lines.flatMap((line, i) => (/^[ -]*[a-z_]+: /.test(line) ? [i] : []));
        const at = keyed[n % keyed.length]!;
        lines[at] = lines[at]!.replace(/: .*/, () => `: ${json}`);
        expectVerdict(lines.join('\n'));
      }),
      { numRuns: 150 },
    );
  });

  test('or any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => expectVerdict(text)),
      { numRuns: 150 },
    );
  });
});

test('errors stand in the order of their lines, whichever step found them', () => {
  const text = `${route('    preset: nope\n')}  - name: app\n    name: app\n    match: {path: /x}\n    upstream: http://app:80/x\n`;
  expect(errorsOf(text).map(({ line }) => line)).toEqual([4, 5, 6, 8]);
});
