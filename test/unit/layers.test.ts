/** Who may import whom: docs and reviews rely on it, so it is held here. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../src');

/** A folder imports only from its right; folders that stand together do not import each other. */
const chain: readonly (readonly string[])[] = [
  ['main'],
  ['cli'],
  ['gateway'],
  ['drain'],
  ['front', 'admin'],
  ['bind', 'server-tls'],
  ['relay'],
  ['quotas'],
  ['upstream'],
  ['admission'],
  ['websocket'],
  ['http', 'routes'],
  ['limits', 'validation'],
];

/** Everything may import these; they import only one another. */
const leaves = [
  'catalogue',
  'config/types',
  'observe/report',
  'observe/log',
  'observe/metrics/counters',
  'files',
  'mistakes',
  'markdown',
  'wall-clock',
];

/** Folders beside the chain: who may import them, and what they may import apart from leaves. */
const beside: Readonly<Record<string, { readonly by: readonly string[]; readonly imports: readonly string[] }>> = {
  config: { by: ['main', 'cli', 'gateway', 'admin'], imports: [] },
  observe: { by: ['gateway', 'front', 'admin'], imports: [] },
  demo: { by: ['cli'], imports: ['page'] },
  page: { by: ['admin', 'demo'], imports: [] },
};

/** Rooms inside a room, in the order of the chain; the files beside them stand to the left of all. */
const innerRooms: Readonly<Record<string, readonly string[]>> = {
  relay: ['transport', 'core', 'memory'],
  config: ['live', 'model', 'language'],
};

const pure = ['catalogue', 'websocket', 'http', 'routes', 'limits', 'validation'];

/** Pure files and rooms whose folders hold other code too. */
const pureFiles = ['drain/schedule', 'markdown'];
const pureRooms = ['relay/core', 'config/language', 'config/model'];

/** What pure code may have of others: what reads, waits and listens for nothing. */
const pureImports = [
  ...['node:buffer', 'node:path', 'node:util', 'node:vm', 'yaml', 'zod'],
  ...['ajv', 'ajv/dist/2020.js', 'ajv/dist/compile/codegen/index.js', 'ajv/dist/standalone/index.js'],
  ...['ajv/dist/runtime/equal.js', 'ajv/dist/runtime/ucs2length.js'],
  ...['ajv/dist/vocabularies/core/ref.js', 'ajv/dist/vocabularies/dynamic/dynamicRef.js'],
  ...['allOf', 'anyOf', 'oneOf', 'if', 'not', 'contains'].map((name) => `ajv/dist/vocabularies/applicator/${name}.js`),
  'ajv/dist/vocabularies/validation/limitLength.js',
];

/** Hashes are pure; keys and random bytes, from the same module, are not. */
const hashing = /\bimport \{ (?:createHash|hash) \} from 'node:crypto';/;

/** Names that stand for time, chance or the process: in pure code they are arguments. */
const impure =
  /\b(setTimeout|setInterval|setImmediate|queueMicrotask|performance|Date|process|fetch)\b|\bMath\.random\b/;

interface Source {
  /** Below src/, without its ending: `relay/session`. */
  readonly name: string;
  readonly code: string;
}

const sources: readonly Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ name: path.slice(0, -3), code: withoutComments(readFileSync(join(root, path), 'utf8')) }));

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

/** What a file imports, as it is written; exports from elsewhere and types count too. */
function importsOf({ code }: Source): string[] {
  const found = code.matchAll(/(?<!\.)\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...found].map((match) => match[2]!);
}

/** The part of Sluice that a file belongs to: a leaf, or the folder or file directly below src/. */
function unitOf(name: string): string {
  return leaves.find((leaf) => name === leaf || name.startsWith(`${leaf}/`)) ?? name.split('/')[0]!;
}

function rankOf(unit: string): number {
  return chain.findIndex((units) => units.includes(unit));
}

/** Where a file stands among the rooms of its unit. */
function innerRankOf(name: string): number {
  const [unit, room] = name.split('/');
  return innerRooms[unit!]?.indexOf(room!) ?? -1;
}

function mayImport(from: string, to: string): boolean {
  if (from === to || leaves.includes(to)) return true;
  if (leaves.includes(from)) return false;
  if (from in beside) return beside[from]!.imports.includes(to);
  if (to in beside) return beside[to]!.by.includes(from);
  return rankOf(from) < rankOf(to);
}

/** The files of src/ that a file imports. */
function targetsOf(source: Source): string[] {
  return importsOf(source)
    .filter((path) => path.startsWith('.'))
    .map((path) => relative(root, join(root, dirname(source.name), path)).replace(/\.ts$/, ''));
}

/** Every import of a file that breaks the rule, in words. */
function breaches(source: Source): string[] {
  const from = unitOf(source.name);
  return targetsOf(source)
    .filter(
      (target) =>
        !mayImport(from, unitOf(target)) || (from === unitOf(target) && innerRankOf(source.name) > innerRankOf(target)),
    )
    .map((target) => `${source.name} imports ${target}`);
}

/** Files that import one another in a circle, in words; of circles that hang together not all. */
function circlesOf(all: readonly Source[]): string[] {
  const targets = new Map(all.map((source) => [source.name, targetsOf(source)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (name: string, trail: readonly string[]): void => {
    const at = trail.indexOf(name);
    if (at >= 0) circles.push([...trail.slice(at), name].join(' → '));
    if (at >= 0 || done.has(name)) return;
    for (const target of targets.get(name) ?? []) visit(target, [...trail, name]);
    done.add(name);
  };
  for (const name of targets.keys()) visit(name, []);
  return circles;
}

/** What a pure file takes from outside of the pure code. */
function impurities(source: Source): string[] {
  const allowed = hashing.test(source.code) ? [...pureImports, 'node:crypto'] : pureImports;
  const outside = importsOf(source).filter((path) => !path.startsWith('.') && !allowed.includes(path));
  const name = impure.exec(source.code.replaceAll(/'[^'\n]*'|"[^"\n]*"/g, ''))?.[0];
  return [...outside, ...(name === undefined ? [] : [name])].map((what) => `${source.name} uses ${what}`);
}

const file = (name: string, code: string): Source => ({ name, code: withoutComments(code) });

describe('the layers of src/', () => {
  test('each file belongs to a known one', () => {
    const known = [...chain.flat(), ...leaves, ...Object.keys(beside)];
    expect(sources.filter(({ name }) => !known.includes(unitOf(name))).map(({ name }) => name)).toEqual([]);
    expect(sources.length).toBeGreaterThan(30);
  });

  test('import only to their right', () => {
    expect(sources.flatMap(breaches)).toEqual([]);
  });

  test('are told apart: an import to the left or across is seen in whatever form', () => {
    expect(breaches(file('limits/a', "import { b } from '../relay/b.ts';"))).toEqual(['limits/a imports relay/b']);
    expect(breaches(file('relay/a', "import type {\n  B,\n} from '../front/b.ts';"))).toEqual([
      'relay/a imports front/b',
    ]);
    expect(breaches(file('http/a', "export * from '../websocket/b.ts';"))).toEqual(['http/a imports websocket/b']);
    expect(breaches(file('catalogue/a', "import '../config/live/b.ts';"))).toEqual([
      'catalogue/a imports config/live/b',
    ]);
    expect(breaches(file('relay/a', "await import('../gateway.ts');"))).toEqual(['relay/a imports gateway']);
    expect(breaches(file('relay/a', "import '../config/live/b.ts';"))).toEqual(['relay/a imports config/live/b']);
    expect(breaches(file('relay/a', "// from '../front/b.ts'\nimport '../config/types.ts'; import './b.ts';"))).toEqual(
      [],
    );
    expect(breaches(file('relay/core/a', "import '../transport/b.ts'; import '../memory/c.ts';"))).toEqual([
      'relay/core/a imports relay/transport/b',
    ]);
    expect(breaches(file('relay/memory/a', "import '../session.ts'; import './b.ts';"))).toEqual([
      'relay/memory/a imports relay/session',
    ]);
    expect(breaches(file('gateway', "import './config/live/load.ts'; import './websocket/close.ts';"))).toEqual([]);
  });
});

describe('imports, those of types too', () => {
  test('never lead back to the file where they begin', () => {
    expect(circlesOf(sources)).toEqual([]);
  });

  test('are followed however far the circle goes', () => {
    const circle = [
      file('limits/a', "import type { B } from './b.ts';"),
      file('limits/b', "export { c } from '../http/c.ts';"),
      file('http/c', "import './d.ts'; import '../limits/a.ts';"),
      file('http/d', ''),
    ];
    expect(circlesOf(circle)).toEqual(['limits/a → limits/b → http/c → limits/a']);
    expect(circlesOf(circle.slice(1))).toEqual([]);
    expect(circlesOf([file('http/d', "import './d.ts';")])).toEqual(['http/d → http/d']);
  });
});

describe('pure code', () => {
  const pureRoomOf = (name: string) => pureRooms.find((room) => name.startsWith(`${room}/`));
  const pureSources = sources.filter(
    ({ name }) => pure.includes(unitOf(name)) || pureFiles.includes(name) || pureRoomOf(name) !== undefined,
  );

  test('takes bytes and time as arguments, and nothing else from outside', () => {
    expect(
      new Set(pureSources.map(({ name }) => (pureFiles.includes(name) ? name : (pureRoomOf(name) ?? unitOf(name))))),
    ).toEqual(new Set([...pure, ...pureFiles, ...pureRooms]));
    expect(pureSources.flatMap(impurities)).toEqual([]);
  });

  test('is told from other code', () => {
    expect(impurities(file('limits/a', "import { Socket } from 'node:net';"))).toEqual(['limits/a uses node:net']);
    expect(impurities(file('limits/a', "import type { Log } from 'pino';"))).toEqual(['limits/a uses pino']);
    expect(impurities(file('limits/a', 'const now = performance.now();'))).toEqual(['limits/a uses performance']);
    expect(impurities(file('limits/a', 'setTimeout(go, 1); // Date'))).toEqual(['limits/a uses setTimeout']);
    expect(impurities(file('websocket/a', "import { isUtf8 } from 'node:buffer'; /* Date */"))).toEqual([]);
  });
});

test('the clock of the day is asked for dates, and nothing that lasts goes by it', () => {
  const asking = sources.filter(({ code }) => /\bDate\.now\b|\bnew Date\(\)/.test(code)).map(({ name }) => name);
  expect(asking.sort()).toEqual([
    // When something was, for people.
    'admin/api/operations',
    'admin/listener',
    // What tokens, certificates and sign-ins say of their own times.
    'admission/auth/authentication',
    'cli/check',
    'config/live/current',
    'front/errors',
    'front/fast/fast-lane',
    // When an API's route was used last, which outlives the process: see hub-routes.ts.
    'gateway',
    'observe/log/logger',
    'wall-clock',
  ]);
});

test('whoever asks by Node’s HTTP client bounds what may come before the answer', () => {
  const asks = /\bimport \{[^}]*\brequest\b[^}]*\} from 'node:https?'/;
  const asking = sources.filter(({ code }) => asks.test(code));
  expect(asking.map(({ name }) => name)).toContain('upstream/asker');
  expect(asking.filter(({ code }) => !/\bboundInterim\(/.test(code)).map(({ name }) => name)).toEqual([]);
});

describe('endings and admission', () => {
  const counts = /\btally\(\s*[\w.#!]*\b(?:handshakes|httpRequests|closed|upstreamErrors)\b/;
  const adds = /\b(?:handshakes|httpRequests|closed|upstreamErrors)\.add\(\[/;
  const observes = /\b(?:handshakeSeconds|connectionSeconds|httpRequestSeconds|httpBodyBytes)\.observe\(/;
  const logs = /\blog(?:Refusal|HttpFailure|End|Open|OddHandshake)\(/;
  const tells = /\brejected\(\{/;
  const runs = /\bimport \{[^}]*\badmit\b[^}]*\} from '[^']*admission\/steps\.ts'/;
  const claims = /\bas (?:unknown as )?AdmittedVisit\b/;
  const checks = /\b(?:checkOrigin|checkMemory|slots\.take)\(/;
  const opens = /\bendpoint\s*\.\s*(?:connect|lease)\(|\bpool\s*\.\s*(?:lease|take)\(/;

  const using = (pattern: RegExp) =>
    sources
      .filter(({ code }) => pattern.test(code))
      .map(({ name }) => name)
      .sort();
  const codeOf = (name: string) => sources.find((source) => source.name === name)!.code;

  test('only the recorder counts, logs and tells how handshakes, requests and connections end', () => {
    for (const pattern of [counts, observes, tells]) expect(using(pattern)).toEqual(['front/recorder']);
    expect(using(logs)).toEqual(['front/recorder', 'observe/log/log']);
    expect(using(adds)).toEqual([]);
  });

  test('the steps of admission are run in one place, and nobody else says that a visit is admitted', () => {
    for (const pattern of [runs, claims]) expect(using(pattern)).toEqual(['front/reception']);
    expect(using(checks)).toEqual(['admission/caps', 'admission/memory', 'admission/origin', 'admission/steps']);
  });

  test('whoever opens a way to an upstream for a client has a visit that is admitted', () => {
    expect(using(opens)).toEqual([
      'front/careful/dial',
      'front/careful/forwarder',
      'front/careful/tunnel',
      'front/fast/exchange',
      'front/fast/opening',
      'upstream/pooled-request',
    ]);
    for (const name of ['front/fast/request', 'front/fast/opening', 'front/careful/tunnel']) {
      expect(codeOf(name)).toMatch(/readonly visit: AdmittedVisit;/);
    }
    expect(codeOf('front/careful/forwarder')).toMatch(/forward\([^)]*visit: AdmittedVisit\)/);
  });

  test('are seen in whatever form they are written', () => {
    const seen: readonly (readonly [RegExp, string])[] = [
      [counts, "tally(this.#request.route.counters.upstreamErrors, 'reset');"],
      [counts, 'tally(\n  counters.handshakes,\n  outcome);'],
      [adds, "counters.closed.add(['client', reason]);"],
      [runs, "import { type Step, admit } from '../../admission/steps.ts';"],
      [claims, 'host.admitted(visit as unknown as AdmittedVisit);'],
      [opens, 'route.endpoint.lease();'],
    ];
    for (const [pattern, code] of seen) expect(code).toMatch(pattern);
  });
});

test('only main.ts ends the process', () => {
  const ends = sources.filter(({ code }) => /\bprocess\.(exit|abort|kill)\s*\(/.test(code));
  expect(ends.map(({ name }) => name).filter((name) => name !== 'main')).toEqual([]);
});

test('only what waits for its reader, or never waits for one, writes to the standard streams', () => {
  const writes = sources.filter(({ code }) =>
    /\bconsole\.|\bprocess\.std(out|err)\s*\.\s*write\b|_rawDebug/.test(code),
  );
  expect(writes.map(({ name }) => name)).toEqual([]);
  const opens = sources.filter(({ code }) => /\bprocess\.std(out|err)\b/.test(code));
  expect(opens.map(({ name }) => name).sort()).toEqual(['cli/check', 'cli/print', 'observe/log/outlet']);
});

test('nothing reads or writes a file in a way that others wait for, but at the start', () => {
  const synchronous = sources.filter(({ code }) =>
    /\b(?:open|read|write|close|stat|exists|access)(?:File)?Sync\b/.test(code),
  );
  // Sluice's own files when the program is loaded, the null device and the tables of sockets, which the kernel serves
  // from memory, and the one terminal.
  expect(synchronous.map(({ name }) => name).sort()).toEqual([
    'cli/demo-start',
    'front/descriptors',
    'gateway/operators',
    'main',
    'observe/log/outlet',
    'page/static-files',
    'relay/transport/table-reader',
  ]);
});
