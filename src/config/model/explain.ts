/** Turns what zod found into sentences with a place: what was found, and what to write instead. */
import { z } from 'zod';
import { type ConfigDocument, unreadable } from '../language/document.ts';
import { type ConfigError, type ConfigPath, formatPath } from '../language/errors.ts';
import { scalarText } from '../language/units.ts';
import { configSchema } from './schema.ts';

/** An error at a value, or at the nearest thing around it that the file has. */
export function errorAt(
  document: ConfigDocument,
  path: ConfigPath,
  message: string,
  at: 'value' | 'key' = 'value',
): ConfigError {
  let known = path;
  while (known.length > 0 && !document.places.has(formatPath(known))) known = known.slice(0, -1);
  const place = document.places.get(formatPath(known));
  const { line, column } = (at === 'key' ? place?.key : place) ?? { line: 0, column: 0 };
  return { file: place?.file ?? document.file, line, column, path: formatPath(path), message };
}

/** All errors of one zod issue; unknown keys come several to an issue. */
export function explainIssue(document: ConfigDocument, issue: z.core.$ZodIssue): ConfigError[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => errorAt(document, [...path, key], `unknown key; ${suggestKey(path, key)}`, 'key'));
  }
  const found = valueAt(document.value, path);
  const rest = complaint(issue);
  const remedy = rest.slice(rest.indexOf('; ') + 2);
  if (found === unreadable) return [];
  if (found === undefined) return [errorAt(document, path, `is missing; ${remedy}`)];
  if (found === null) return [errorAt(document, path, `is empty; ${remedy}, or remove the key`)];
  const isVariable = typeof found === 'string' && variable.test(found);
  const problem = isVariable ? `holds a variable, and Sluice fills in none; ${remedy}` : rest;
  return [errorAt(document, path, `${quote(document, path, found)} ${problem}`)];
}

/** `${NAME}` and `$NAME`, as shells and other programs' configurations have them. */
const variable = /\$(?:\{|\w+$)/;

function complaint(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return issue.message;
  if (issue.code === 'invalid_value') {
    const names = issue.values.map(String);
    const near = closest(scalarText(issue.input), names);
    return `is not one of ${names.join(', ')}; write ${near ?? oneOf(names)}`;
  }
  if (issue.code === 'invalid_type') {
    if (issue.expected === 'array') return 'is not a list; write [one, two], or one line for each with a dash';
    if (issue.expected === 'boolean') return 'is neither true nor false; write true or false';
    return 'is not a mapping; write its keys below it, indented';
  }
  if (issue.code === 'too_small') return 'is an empty list; write at least one entry';
  return `is not valid (${issue.message}); write what docs/configuration.md says`;
}

function oneOf(names: readonly string[]): string {
  return names.length > 2 ? 'one of them' : names.join(' or ');
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  let inner = value;
  for (const part of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, part)) return undefined;
    inner = (inner as Record<string | number, unknown>)[part];
  }
  return inner;
}

const longestQuote = 80;

/** Texts in quotes, numbers with the digits that the file has, everything else as JSON. */
function quote(document: ConfigDocument, path: ConfigPath, found: unknown): string {
  const source = document.places.get(formatPath(path))?.source;
  const text = typeof found === 'number' && source ? source : JSON.stringify(found);
  return text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;
}

/** What to write instead of a key that does not exist: a near one, the place where it belongs, or what there is. */
function suggestKey(path: ConfigPath, key: string): string {
  const here = keysOf(schemaAt(path));
  const near = closest(key, here);
  if (near !== undefined) return `did you mean ${near}?`;
  const section = (place: string) => place.split('.')[0];
  const start = path.length === 0 ? '' : section(formatPath(path).replace(/\[\d+\]/g, '[]'));
  const places = (placesOfKeys.get(key) ?? []).filter((place) => start === '' || section(place) === start);
  if (places.length > 0 && places.length <= 3) {
    const index = path[0] === 'routes' && typeof path[1] === 'number' ? `[${path[1]}]` : '[]';
    return `it belongs in ${places.map((place) => place.replace('[]', index)).join(' or ')}`;
  }
  return `remove it, or write one of ${here.join(', ')}`;
}

function schemaAt(path: ConfigPath): z.core.$ZodType {
  let schema: z.core.$ZodType = configSchema;
  for (const part of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodArray) schema = inner.element;
    else if (inner instanceof z.ZodObject) schema = inner.shape[String(part)] ?? schema;
  }
  return unwrap(schema);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function keysOf(schema: z.core.$ZodType): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function collectPlaces(schema: z.core.$ZodType, at: string, places: Map<string, string[]>): Map<string, string[]> {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return collectPlaces(inner.element, `${at}[]`, places);
  for (const key of keysOf(inner)) {
    places.set(key, [...(places.get(key) ?? []), at === '' ? 'the top level' : at]);
    collectPlaces((inner as z.ZodObject).shape[key]!, at === '' ? key : `${at}.${key}`, places);
  }
  return places;
}

const placesOfKeys = collectPlaces(configSchema, '', new Map());

/** The nearest candidate, if one is within two edits: within one of short words, and within three of long ones. */
function closest(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase().replaceAll('-', '_');
  const most = lower.length < 5 ? 1 : lower.length < 12 ? 2 : 3;
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - lower.length) > most) continue;
    const distance = editDistance(lower, candidate.replaceAll('-', '_'));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
