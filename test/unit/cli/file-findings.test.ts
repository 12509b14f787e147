import { expect, test } from 'vitest';
import { judgeFindings } from '../../../src/cli/file-findings.ts';

const at = (line: number, source = '') => ({ file: 'f', line, column: 3, key: { line, column: 1 }, source });
const places = new Map([
  ['routes[0]', at(1)],
  ['routes[0].upstream_tls', at(2)],
  ['routes[0].upstream_tls.ca', at(3, '/ca.pem')],
  ['routes[1].upstream_tls', at(4)],
  ['routes[1].upstream_tls.client_cert', at(5, '/a.pem')],
  ['routes[1].upstream_tls.client_key', at(6, '/b.pem')],
  ['listen.tls.client_certificates.ca', at(7, '/ca.pem')],
  ['routes[1].validate.upstream.text.json_schema', at(8, '/s.json')],
]);
const errorOf = (problem: string) => judgeFindings([{ problem, isAbsent: false }], places).errors[0];

test('a key that ends like another is not taken for it, whatever stands first', () => {
  expect(errorOf('client_certificates.ca: /ca.pem has expired')).toBe(
    'listen.tls.client_certificates.ca: /ca.pem has expired (f:7:3)',
  );
  expect(errorOf('upstream_tls.ca: /ca.pem has expired')).toBe(
    'routes[0].upstream_tls.ca: /ca.pem has expired (f:3:3)',
  );
});

test('what is wrong with several files together has the place of their section', () => {
  expect(errorOf('upstream_tls: /a.pem and /b.pem cannot be used')).toBe(
    'routes[1].upstream_tls: /a.pem and /b.pem cannot be used (f:4:3)',
  );
});

test('a schema stands where a side names it', () => {
  expect(errorOf('validate.text.json_schema: /s.json is no JSON')).toBe(
    'routes[1].validate.upstream.text.json_schema: /s.json is no JSON (f:8:3)',
  );
});

test('what no place names is told as it is', () => {
  expect(errorOf('upstream_tls.ca: /other.pem has expired')).toBe('upstream_tls.ca: /other.pem has expired');
});
