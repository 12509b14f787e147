/** Whatever a client writes, the route is that of the path which a backend sees after decoding and normalising. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTarget } from '../../../src/http/target.ts';
import { comparePatterns, compilePattern, matchesPattern } from '../../../src/routes/pattern.ts';
import { readingsOf } from '../../../src/routes/readings.ts';
import { RouteTable, TwoTables } from '../../../src/routes/table.ts';
import { expectEqual, expectSame } from '../../helpers/often.ts';

const piece = fc.constantFrom(
  ...[
    '/',
    '//',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    ';',
    '%3b',
    '%00',
    '%',
    '%25',
    '#',
    '?',
    'a',
    '%61',
    'b',
    'ab',
  ],
);
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

/**
 * What a tolerant backend makes of a target: decode once, treat `\` as `/`, drop parameters, collapse, resolve dots.
 */
function backendPath(raw: string): string[] {
  const path = raw.split(/[?#]/, 1)[0]!;
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const resolved: string[] = [];
  for (const segment of decoded.replaceAll('\\', '/').split('/')) {
    const name = segment.startsWith('..;') ? '..' : segment.startsWith('.;') ? '.' : segment;
    if (name === '..') resolved.pop();
    else if (name !== '' && name !== '.') resolved.push(name);
  }
  return resolved;
}

test('an accepted target is under /a exactly if the backend sees it under /a', () => {
  const table = new RouteTable([{ hosts: [], path: '/a' }]);
  fc.assert(
    fc.property(target, (raw) => {
      const parsed = parseTarget(raw, 'h', 'GET');
      if (parsed === null) return;
      expectSame(parsed.target, raw);
      const found = table.find('h', parsed.path);
      if (found === null || 'route' in found) expectSame(found !== null, backendPath(raw)[0] === 'a');
    }),
    { numRuns: 5000 },
  );
});

test('a path of plain characters has one reading', () => {
  const plain = fc.array(fc.stringMatching(/^[a-z0-9_~:@!-]{1,8}$/), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(plain, (segments) => {
      expectEqual(readingsOf(`/${segments.join('/')}`), [segments]);
    }),
  );
});

test('the linear match agrees with a match that tries everything', () => {
  const patternSegment = fc.constantFrom('a', 'b', '*', '**');
  fc.assert(
    fc.property(
      fc.array(patternSegment, { maxLength: 6 }),
      fc.array(fc.constantFrom('a', 'b', ''), { minLength: 1, maxLength: 8 }),
      (pattern, path) => {
        expectSame(matchesPattern(compilePattern(`/${pattern.join('/')}`), path), tryAll(pattern, path));
      },
    ),
    { numRuns: 5000 },
  );
});

function tryAll([first, ...rest]: string[], path: string[]): boolean {
  if (first === undefined) return true;
  if (first === '**') return path.some((_, i) => tryAll(rest, path.slice(i))) || tryAll(rest, []);
  const [segment, ...more] = path;
  return segment !== undefined && (first === '*' ? segment !== '' : segment === first) && tryAll(rest, more);
}

interface Named {
  readonly id: number;
  readonly hosts: readonly string[];
  readonly path: string;
}

const host = fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'test');
const routeHost = fc.constantFrom('a.test', 'b.a.test', '*.a.test', '*.test', '*.b.a.test');
const routePath = fc
  .array(fc.constantFrom('a', 'b', '*', '**'), { maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`);
const routes = fc
  .array(fc.record({ hosts: fc.array(routeHost, { maxLength: 2 }), path: routePath }), { maxLength: 12 })
  .map((all) => all.map((route, id): Named => ({ id, hosts: [...new Set(route.hosts)], path: route.path })));
const plainPath = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
  .map((segments) => `/${segments.join('/')}`);

/** The most specific route, by looking at every one. */
function lookAtAll(all: readonly Named[], name: string, path: string): Named | null {
  const rank = (pattern: string) => {
    if (pattern === '') return Number.POSITIVE_INFINITY;
    if (!pattern.startsWith('*')) return pattern === name ? 0 : null;
    return name.endsWith(pattern.slice(1)) && name.length >= pattern.length ? 1000 - pattern.length : null;
  };
  const segments = path.slice(1).split('/');
  const fits = all.flatMap((route) =>
    (route.hosts.length === 0 ? [''] : route.hosts).flatMap((pattern) => {
      const compiled = compilePattern(route.path);
      const hostRank = rank(pattern);
      return hostRank !== null && matchesPattern(compiled, segments) ? [{ route, compiled, hostRank }] : [];
    }),
  );
  fits.sort((a, b) => a.hostRank - b.hostRank || comparePatterns(a.compiled, b.compiled) || a.route.id - b.route.id);
  return fits[0]?.route ?? null;
}

test('the table finds what a look at every route finds, also after routes were taken out', () => {
  fc.assert(
    fc.property(routes, fc.nat(11), host, plainPath, (all, removed, name, path) => {
      const table = new RouteTable(all);
      const found = () => {
        const result = table.find(name, path);
        return result === null || 'between' in result ? null : result.route;
      };
      expectSame(found(), lookAtAll(all, name, path));
      const gone = all[removed];
      if (gone === undefined) return;
      table.remove(gone);
      const rest = all.filter((route) => route !== gone);
      expectSame(found(), lookAtAll(rest, name, path));
      for (const route of rest) table.remove(route);
      expectSame(found(), null);
    }),
    { numRuns: 5000 },
  );
});

test('two tables find what one with the routes of both would, the first one’s before the second’s', () => {
  fc.assert(
    fc.property(routes, fc.nat(12), host, plainPath, (all, cut, name, path) => {
      const both = new TwoTables<Named>(new RouteTable(all.slice(0, cut)), new RouteTable(all.slice(cut)));
      const found = both.find(name, path);
      expectSame(found === null || 'between' in found ? null : found.route, lookAtAll(all, name, path));
    }),
    { numRuns: 5000 },
  );
});

/** What makes servers read a path in more than one way, as expressions that look for it. */
const marks = [
  /%00/,
  /%2f/i,
  /\\|%5c/i,
  /;|%3b/i,
  /(?:[/\\]|%2f|%5c)(?:[/\\;]|%2f|%5c|%3b)/i,
  /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b|%00)/i,
];

test('a path has a reading for each combination of what stands in it', () => {
  fc.assert(
    fc.property(target, (path) => {
      const count = 2 ** marks.filter((mark) => mark.test(path)).length;
      expectSame(readingsOf(path)?.length, count);
    }),
    { numRuns: 20_000 },
  );
});

test('an escaped slash is read as it stands, or cuts', () => {
  const segment = fc.stringMatching(/^(?:[a-z]|%2[fF]|%41|%){0,6}$/);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const path = `/${segments.join('/')}`;
      fc.pre(/%2f/i.test(path) && !marks[4]!.test(path));
      const decoded = (text: string) =>
        text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      expect(readingsOf(path)).toEqual([
        segments.map(decoded),
        segments.flatMap((one) => one.split(/%2f/i)).map(decoded),
      ]);
    }),
  );
});
