/**
 * What the chart's templates must know of Sluice and of the chart's own defaults, so that no rule of either is
 * written twice.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { mostValues } from '../src/config/language/document.ts';
import { formatDuration } from '../src/config/language/format.ts';
import { roomsName } from '../src/config/model/conflicts.ts';
import { roomsPath } from '../src/config/model/presets.ts';
import { schemaText } from '../src/config/model/reference.ts';
import { builtIn } from '../src/config/model/route-settings.ts';

interface Schema {
  readonly $ref?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Mappings that must be there, and whose keys Kubernetes owns. */
const keysOfKubernetes = ['strategy', 'probes.startup', 'probes.liveness', 'probes.readiness'];
/** Left out or null these mean nothing, as in a manifest. */
const mayBeNull = ['resources', 'podSecurityContext', 'securityContext', 'check.resources', 'test.resources'];

/** The text of helm/sluice/files/facts.json. */
export function factsText(): string {
  const values = parse(readFileSync('helm/sluice/values.yaml', 'utf8')) as Record<string, unknown>;
  const facts = {
    drainDeadline: formatDuration(builtIn['drain.deadline']),
    roomsPath,
    roomsSuffix: roomsName(''),
    mostConfigValues: mostValues,
    fileSettings: filesIn(JSON.parse(schemaText()) as Schema),
    neededValues: [...needed(values, ''), 'config.routes'],
  };
  return `${JSON.stringify(facts, null, 2)}\n`;
}

/** The settings that name files: `routes.[].upstream_tls.ca`. */
function filesIn(schema: Schema, at = ''): string[] {
  if (schema.$ref?.endsWith('/file')) return [at.slice(1)];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => filesIn(value, `${at}.${key}`));
  return schema.items ? [...inner, ...filesIn(schema.items, `${at}.[]`)] : inner;
}

/** Values that the templates cannot do without: those with a default that says something. */
function needed(values: Readonly<Record<string, unknown>>, at: string): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = at === '' ? key : `${at}.${key}`;
    if (mayBeNull.includes(path) || value === '' || value === null) return [];
    // A list that is not there is an empty one. What is missing below config Sluice's own schema says.
    if (Array.isArray(value)) return [];
    if (typeof value !== 'object' || path === 'config' || keysOfKubernetes.includes(path)) return [path];
    return Object.keys(value).length === 0 ? [] : [path, ...needed(value as Record<string, unknown>, path)];
  });
}
