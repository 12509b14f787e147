/** Whatever a client writes, the route is that of the path which a backend sees after decoding and normalising. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern, matchesPattern } from '../../src/routing/pattern.ts';
import { RouteTable } from '../../src/routing/table.ts';
import { parseTarget } from '../../src/routing/target.ts';

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

/** What a tolerant backend makes of a target: decode once, treat `\` as `/`, drop parameters, collapse, resolve dots. */
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
      const parsed = parseTarget(raw, 'h');
      if (typeof parsed === 'string') return;
      expect(parsed.target).toBe(raw);
      expect(table.match('h', parsed.segments) !== null).toBe(backendPath(raw)[0] === 'a');
    }),
    { numRuns: 5000 },
  );
});

test('a target of plain characters is always accepted', () => {
  const plain = fc.array(fc.stringMatching(/^[a-z0-9_~:@!-]{1,8}$/), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(plain, (segments) => {
      expect(parseTarget(`/${segments.join('/')}`, 'h')).toMatchObject({ segments });
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
        expect(matchesPattern(compilePattern(`/${pattern.join('/')}`), path)).toBe(tryAll(pattern, path));
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
