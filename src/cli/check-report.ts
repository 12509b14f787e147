/**
 * What `sluice check` says of a valid configuration: what holds, where it comes from, what it may cost, what to mind.
 */
import { type SenderKey, senderLimits } from '../catalogue/limits.ts';
import * as format from '../config/language/format.ts';
import { idleBytes, perConnectionParts, processBytes, worstCaseMemory } from '../config/model/memory.ts';
import { formatSource, placeNamer } from '../config/model/place-names.ts';
import { presets } from '../config/model/presets.ts';
import type { Resolved, ResolvedRoute, Source } from '../config/model/resolved.ts';
import { formatSetting, settingKeys } from '../config/model/route-settings.ts';
import { setByApi } from '../config/model/routes-api.ts';
import { routesApiSettings } from '../config/model/routes-api-settings.ts';
import { formatValue, type SettingRows, valueAt } from '../config/model/settings.ts';
import { topSettings } from '../config/model/top-settings.ts';
import { findWarnings, type Warning } from '../config/model/warnings.ts';
import { routeFacts } from './route-facts.ts';
import { type Cell, formatTable, type Style, wrap } from './table.ts';

const width = 100;
/** What a process may take after its last deadline: the last goodbyes, and its last log lines. */
const goodbyeMs = 15_000;
const keyWidth = 'connections.max_per_address'.length;

/** The whole report as lines; `more` are warnings that the configuration alone does not show. */
export function reportConfig(resolved: Resolved, style: Style, more: readonly Warning[] = []): string[] {
  const warnings = [...findWarnings(resolved), ...more];
  const { length: templates } = resolved.templates;
  const also = templates === 0 ? '' : ` and ${counted(templates, 'template')}`;
  const routes = `${counted(resolved.routes.length, 'route')}${also}`;
  const from = originCells(resolved.files, style);
  const verb = resolved.files.length === 1 ? 'is' : 'are';
  const verdict = `${resolved.files.join(', ')} ${verb} valid: ${routes}, ${warnings.length === 0 ? 'no warnings' : counted(warnings.length, 'warning')}`;
  return [
    style.bold(verdict),
    '',
    ...formatTable(topRows(resolved, from), 2, [keyWidth]),
    ...resolved.routes.flatMap((route) => ['', ...reportRoute(route, style, from)]),
    ...resolved.templates.flatMap((template) => ['', ...reportRoute(template, style, from)]),
    '',
    ...reportMemory(resolved, style),
    ...warnings.flatMap((warning) => ['', ...reportWarning(warning, style)]),
  ];
}

function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** The cell that says where a value comes from. */
type OriginCell = (source: Source | undefined) => Cell;

function originCells(files: readonly string[], style: Style): OriginCell {
  const nameOf = placeNamer(files);
  return (source) => ({ text: formatSource(source ?? { from: 'built in' }, nameOf), paint: style.dim });
}

function topRows(resolved: Resolved, from: OriginCell): Cell[][] {
  return [
    ...settingRows(topSettings, '', resolved, from),
    ...(resolved.routesApi === null ? [] : settingRows(routesApiSettings, 'routes_api.', resolved, from)),
  ];
}

function settingRows(rows: SettingRows, section: string, resolved: Resolved, from: OriginCell): Cell[][] {
  return Object.entries(rows).flatMap(([key, row]): Cell[][] => {
    if (row.field === undefined) return [];
    const path = `${section}${key}`;
    const value = valueAt(resolved, row.field);
    const text = Array.isArray(value) && value.length > 2 ? shortened(value) : formatValue(row, value, row.none);
    const cells = [{ text: path }, { text }, from(resolved.sources.get(path))];
    return path === 'drain.announce'
      ? [cells, [{ text: 'a drain ends within' }, { text: drainEnd([...resolved.routes, ...resolved.templates]) }]]
      : [cells];
  });
}

function shortened(list: readonly string[]): string {
  return `${list.slice(0, 2).join(', ')} and ${list.length - 2} more`;
}

/** Whoever ends the process by force before that cuts clients off without a word. */
function drainEnd(routes: Resolved['routes']): string {
  const deadlineMs = Math.max(...routes.map(({ route }) => route.drain.deadlineMs));
  const graceMs = deadlineMs + goodbyeMs;
  return `${format.formatDuration(deadlineMs)}; kill it after ${Math.ceil(graceMs / 1000)}s or later`;
}

function reportRoute(resolved: ResolvedRoute, style: Style, from: OriginCell): string[] {
  const { route, settings, sources } = resolved;
  const places = route.hosts.length === 0 ? [route.path] : route.hosts.map((host) => host + route.path);
  const senderRows = (Object.keys(senderLimits) as SenderKey[]).map((key): Cell[] => [
    { text: key },
    ...(['client', 'upstream'] as const).flatMap((sender): Cell[] => {
      const path = `limits.${sender}.${key}` as const;
      return [{ text: formatSetting(path, settings[path]) }, from(sources[path])];
    }),
  ]);
  const otherRows = settingKeys
    .filter((key) => !/^limits\.(client|upstream)\./.test(key))
    .filter((key) => !key.startsWith('upstream_tls.') || route.upstream.protocol === 'https:')
    .map((key): Cell[] => [
      { text: key.replace(/^limits\./, '') },
      { text: formatSetting(key, settings[key]) },
      from(sources[key]),
    ]);
  const heading: Cell[] = ['limits', 'client', '', 'upstream'].map((text) => ({ text, paint: style.dim }));
  const kind = route.upstream === setByApi ? 'template' : 'route';
  const memory = worstCaseMemory(route);
  const last: Cell[][] = [
    [{ text: 'files' }, { text: fileAdvice(resolved) }],
    [
      { text: 'memory at worst' },
      {
        text: `${format.formatMemory(memory.total)} = ${memory.connections} connections × ${format.formatMemory(memory.perConnection)}`,
      },
    ],
  ];
  return [
    ...wrap(`${kind} ${route.name}: ${places.join(', ')} → ${route.upstream.href}`, width).map(style.bold),
    ...wrap(routeFacts(resolved).join('; '), width - 2).map((line) => `  ${line}`),
    '',
    ...formatTable([heading, ...senderRows, ...otherRows], 2, [keyWidth]),
    ...last.flatMap(([key, text]) => hang(key!.text, text!.text)),
  ];
}

/** A key and text that may need several lines. */
function hang(key: string, text: string): string[] {
  const [first = '', ...more] = wrap(text, width - keyWidth - 4);
  const indent = ' '.repeat(keyWidth + 4);
  return [`  ${key.padEnd(keyWidth)}  ${first}`, ...more.map((line) => indent + line)];
}

/** How large a file fits, given how the backend's pages send files. Base64 makes four bytes of three. */
function fileAdvice({ settings, preset }: ResolvedRoute): string {
  const message = settings['limits.client.max_message_size'];
  const body = format.formatFileSize(settings['http.max_body_size']);
  const base64 = format.formatFileSize(Number.isFinite(message) ? Math.floor((message * 3) / 4) : message);
  const about = Number.isFinite(message) ? 'about ' : '';
  switch (preset === null ? 'binary' : presets[preset].files) {
    case 'panel':
      return `FileInput up to ${about}${base64} (base64, one message); FileDropper any size, in chunks of 10 MB; HTTP bodies ${body}`;
    case 'bokeh':
      return `FileInput up to ${about}${base64} (base64, one message); HTTP bodies ${body}`;
    case 'widgets':
      return `FileUpload up to about ${format.formatFileSize(message)} (one message); HTTP bodies ${body}`;
    case 'jupyter':
      return `uploads go over HTTP, ${body} in one request; kernel messages up to ${format.formatFileSize(message)}`;
    case 'pages':
      return `uploads go over HTTP, ${body} in one request; the page's own messages up to ${format.formatFileSize(message)}`;
    case 'binary':
      return `${format.formatFileSize(message)} as one binary message, ${about}${base64} as base64; HTTP bodies ${body}`;
  }
}

function reportMemory({ routes, templates, memory }: Resolved, style: Style): string[] {
  const routeMemory = [...routes, ...templates].map(({ route }) => worstCaseMemory(route));
  const idle = routeMemory.reduce((sum, { connections }) => sum + connections * idleBytes, 0);
  const full = routeMemory.reduce((sum, { total }) => sum + total, 0) - idle;
  const buffers = Math.min(full, memory.maxBufferedBytes ?? Number.POSITIVE_INFINITY);
  const sum = `worst-case memory: ${format.formatMemory(processBytes + idle + buffers)}`;
  const bound =
    memory.maxBufferedBytes === null
      ? 'While Sluice runs, memory.max_buffered bounds all buffers together: a quarter of the container unless set, an eighth with TLS.'
      : `All buffers together hold ${format.formatMemory(memory.maxBufferedBytes)} at most (memory.max_buffered).`;
  const how =
    `All connections.max open and every buffer full, plus ${format.formatMemory(processBytes)} for the process. A connection counts ` +
    `${perConnectionParts}. Message sizes do not matter otherwise, no other message is held whole. ${bound} Lower connections.max or max_buffer_size to fit a container.`;
  return [style.bold(sum), ...wrap(how, width - 2).map((line) => `  ${line}`)];
}

function reportWarning({ subject, message, settings }: Warning, style: Style): string[] {
  const [first = '', ...more] = wrap(`${subject}: ${message}`, width - 9);
  return [
    `${style.yellow('warning')}  ${first}`,
    ...more.map((line) => `         ${line}`),
    ...settings.map((line) => `           ${style.bold(line)}`),
  ];
}
