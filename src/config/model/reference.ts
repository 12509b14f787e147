/** What is generated from the schema: the JSON Schema for editors, and docs/configuration.md for people. */
import { z } from 'zod';
import { code, paragraph, table } from '../../markdown.ts';
import { formatDuration, formatSize } from '../language/format.ts';
import { fixedKeys } from './fixed.ts';
import type { Preset } from './preset.ts';
import { type PresetName, presetNames, presets, roomsPath } from './presets.ts';
import { routeSettings } from './route-settings.ts';
import { configSchema } from './schema.ts';
import type { SettingRows } from './settings.ts';
import { topSettings } from './top-settings.ts';

/** The parts of JSON Schema that the reference reads. */
interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

function jsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    // zod drops `default` where a value is transformed, so the built-in value travels under another name.
    override({ jsonSchema }) {
      if (!('builtIn' in jsonSchema)) return;
      const { builtIn } = jsonSchema;
      delete jsonSchema.builtIn;
      Object.assign(jsonSchema, { default: builtIn });
    },
  }) as JsonSchema;
}

/** The text of docs/sluice.schema.json. */
export function schemaText(): string {
  return `${JSON.stringify({ title: 'Sluice configuration', ...jsonSchema() }, null, 2)}\n`;
}

/** The text of docs/configuration.md. */
export function referenceText(): string {
  const schema = jsonSchema();
  const { defaults: _, ...top } = schema.properties!;
  return [
    '# Configuration reference',
    '',
    'Generated from the schema in `src/config/`; change it there and run `npm run docs`.',
    '',
    ...introduction,
    '',
    '## Kinds of values',
    '',
    table(
      ['kind', 'what to write'],
      Object.entries(schema.$defs!).map(([name, { description = '' }]) => [kindName(name), description]),
    ),
    '',
    ...sections(top, schema),
    '## Presets',
    '',
    ...presetsText(),
    '',
  ].join('\n');
}

/** The keys that a route shares with `defaults`. */
const sharedKeys = [...new Set(Object.keys(routeSettings).map((path) => path.split('.')[0]!))];

const introduction = [
  paragraph(
    '`sluice check FILE…` prints every error at once, each with its file, line, column and remedy; for a valid ' +
      'configuration the effective limits of each route, where each value comes from, the worst-case memory and warnings.',
  ),
  '',
  paragraph(
    'A configuration may stand in several files (`sluice serve --config listener.yaml --config limits.yaml`): each ' +
      'top-level key stands in one of them.',
  ),
  '',
  paragraph(
    'Files are YAML 1.2 (so JSON too), UTF-8, of 1 MiB at most. A value is what stands there: no variables of the ' +
      'environment are filled in, anchors with their aliases are taken, and merge keys (`<<`) are not.',
  ),
  '',
  paragraph(
    'Changed files are loaded anew while Sluice runs, and no connection is closed: new limits hold from the next ' +
      `message. Only ${codes(fixedKeys)}, and whether there is \`listen.tls\`, hold until a restart; the log names ` +
      'them where they change. What is open or under way keeps what it began with of ' +
      `${codes([...keptOf(routeSettings), ...keptOf(topSettings)])}.`,
  ),
  '',
  '[`sluice.schema.json`](sluice.schema.json) is the same schema for editors; this first line turns it on in many of them:',
  '',
  '```yaml',
  '# yaml-language-server: $schema=docs/sluice.schema.json',
  '```',
  '',
  paragraph(
    "A route's own value comes first, then its preset, then `defaults`, then what is built in. `defaults` takes the keys " +
      `${codes(sharedKeys)} of a route. \`check\` warns where a preset overrides \`defaults\`.`,
  ),
  '',
  paragraph(
    'Limits are named after the **sender** that they bind: `limits.client` is what the client may send. Sizes count ' +
      'payload bytes, never frame headers, and all limits are inclusive.',
  ),
];

function codes(names: readonly string[]): string {
  return names.map(code).join(', ');
}

/** The settings that a reload changes for what comes then; a section stands for its keys where all of them are so. */
function keptOf(rows: SettingRows): string[] {
  const paths = Object.keys(rows);
  const isKept = (path: string) => rows[path]!.reload === 'new';
  const kept = paths.filter(isKept).map((path) => {
    const sections = path.split('.').map((_, i, keys) => keys.slice(0, i + 1).join('.'));
    return sections.find((section) => paths.every((other) => !`${other}.`.startsWith(`${section}.`) || isKept(other)))!;
  });
  return [...new Set(kept)];
}

function sections(properties: Readonly<Record<string, JsonSchema>>, schema: JsonSchema): string[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const repeated = property.items?.properties !== undefined;
    return section(repeated ? `${name}[]` : name, property, repeated ? property.items! : property, schema, 2);
  });
}

function section(path: string, about: JsonSchema, object: JsonSchema, schema: JsonSchema, level: number): string[] {
  const entries = Object.entries(object.properties ?? {});
  const isLeaf = ([, property]: [string, JsonSchema]) => insideOf(property).properties === undefined;
  const leaves = entries.filter(isLeaf);
  const inner = entries.filter((entry) => !isLeaf(entry));
  const rows = leaves.map(([key, property]) => {
    const required = object.required?.includes(key) ?? false;
    return [code(key), kindOf(property), defaultOf(property, required), property.description ?? ''];
  });
  return [
    `${'#'.repeat(level)} \`${path}\``,
    '',
    paragraph(about.description ?? ''),
    '',
    ...(rows.length === 0 ? [] : [table(['key', 'kind', 'default', ''], rows), '']),
    ...inner.flatMap(([key, property]) =>
      section(
        `${path}.${key}${property.items ? '[]' : ''}`,
        property,
        insideOf(property),
        schema,
        Math.min(level + 1, 4),
      ),
    ),
  ];
}

/** Of a list, one of its entries. */
function insideOf(property: JsonSchema): JsonSchema {
  return property.items ?? property;
}

function kindName(name: string): string {
  return name.replaceAll('_', ' ');
}

function kindOf(property: JsonSchema): string {
  if (property.items) return `list of ${kindOf(property.items)}`;
  if (property.$ref) return kindName(property.$ref.split('/').at(-1)!);
  if (property.enum) return property.enum.map((value) => `\`${value}\``).join(', ');
  return property.type === 'boolean' ? '`true` or `false`' : (property.type ?? '');
}

function defaultOf(property: JsonSchema, required: boolean): string {
  if (required) return '**required**';
  if (property.default === undefined) return '';
  if (Array.isArray(property.default)) {
    return property.default.length === 0 ? 'none' : code(`[${property.default.join(', ')}]`);
  }
  if (typeof property.default !== 'object') return `\`${property.default}\``;
  const entries = Object.entries(property.default as object).map(([key, value]) => `${key}: ${value}`);
  return `\`{${entries.join(', ')}}\``;
}

function presetsText(): string[] {
  const pause = formatDuration(presets.uvicorn.settings['limits.client.max_pause']!);
  return [
    paragraph(
      "A preset sets `limits.client.max_message_size` to the backend's own default, so that Sluice, which can say why, " +
        'refuses before the backend does. Towards the client it limits no message size ' +
        '(`limits.upstream.max_message_size: unlimited`): memory does not depend on it. Its clocks let the backend lose ' +
        'patience first, so that nobody is lost who would not be lost directly; `limits.client.max_pause` is ' +
        `${pause} in all of them, for a backend that computes and reads nothing. [presets.md](presets.md) says which ` +
        'preset fits which app, where each number comes from, and how to raise the backend.',
    ),
    '',
    table(presetHead, presetNames.map(presetRow)),
    '',
    paragraph(
      `\`jupyter\` brings a second route below its own path, \`${roomsPath}\` with the preset ` +
        '`jupyter-collaboration`, named `<name>-rooms`. It takes everything from the first route but ' +
        '`max_message_size` and `max_frame_size` of the client. A route of the file with the same pattern replaces it.',
    ),
  ];
}

const presetHead = [
  ...['preset', 'fits', 'client `max_message_size`', 'client `message_timeout`', 'upstream `max_pause`'],
  ...['`ping.timeout`', '`drain.close`', '`drain.protect`', '`http.max_body_size`'],
];

function presetRow(name: PresetName): string[] {
  const { fits, settings }: Preset = presets[name];
  return [
    code(name),
    fits,
    formatSize(settings['limits.client.max_message_size']!),
    formatDuration(settings['limits.client.message_timeout']!),
    formatDuration(settings['limits.upstream.max_pause']!),
    formatDuration(settings['ping.timeout']!),
    settings['drain.close'] ?? 'built in',
    settings['drain.protect'] ?? 'built in',
    settings['http.max_body_size'] === undefined ? 'built in' : formatSize(settings['http.max_body_size']),
  ];
}
