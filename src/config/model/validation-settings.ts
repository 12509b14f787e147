/** What is looked for in the messages of one side, one row each; and from what the file says to what holds. */
import type { Sender, Validation } from '../types.ts';
import * as is from './setting-kinds.ts';
import type { SettingRow, ValueOf } from './settings.ts';

/** Parsing the worst text of this size takes 13 ms, in which nobody else is served (measured: 50 ms a MiB). */
const mostText = 256 * 1024;
/** Notebooks nest 12 deep, and no form of a page deeper than that. */
const usualDepth = 64;

const rows = {
  'text.json_schema': {
    kind: is.file,
    about:
      'The file of a JSON Schema that each text message must fit: draft 2020-12, or draft-07 where `$schema` says so. It is read again when it changes; one that cannot be used stops the start and a reload.',
    builtIn: null,
    reload: 'live',
  },
  'text.max_size': {
    kind: is.size,
    about:
      'The largest text message: it is held whole until it has been judged, and judging a MiB may keep Sluice for 50 ms. `limits` holds beside it, for binary messages too.',
    builtIn: mostText,
    reload: 'live',
  },
  max_depth: {
    kind: is.depth,
    about:
      'How deep objects and arrays may nest in a text message, which must be JSON. Left out, 64 where there is a schema.',
    builtIn: null,
    reload: 'live',
  },
  binary: {
    kind: is.oneOf('pass', 'reject'),
    about:
      'Binary messages: `pass` lets them pass unseen, `reject` takes them for bad ones. Some backends read JSON out of either kind.',
    builtIn: 'pass',
    reload: 'live',
  },
  action: {
    kind: is.oneOf('close', 'report', 'reply'),
    about:
      'What becomes of a bad message: `close` ends the connection with 1007 and a reason that names the rule and the place, `report` counts it and lets it pass, `reply` drops it and answers its sender. `limits.mode: report` reports these too.',
    builtIn: 'close',
    reload: 'live',
  },
  reply: {
    kind: is.reply,
    about:
      'The answer of `action: reply`, a mapping that is sent as JSON; `{reason}` in its texts says what is wrong. Left out, `{type: error, message: "{reason}"}`.',
    builtIn: null,
    reload: 'live',
  },
} as const satisfies Record<string, SettingRow>;

type Rows = typeof rows;

/** The rows of one side, by their paths below a route. */
export type ValidationSettings<S extends Sender> = {
  readonly [K in keyof Rows as `validate.${S}.${K}`]: Rows[K];
};

/** The settings of what one side's messages must be. */
export function validationSettings<S extends Sender>(sender: S): ValidationSettings<S> {
  return Object.fromEntries(
    Object.entries(rows).map(([key, row]) => [`validate.${sender}.${key}`, row]),
  ) as unknown as ValidationSettings<S>;
}

type Values<S extends Sender> = { readonly [K in keyof Rows as `validate.${S}.${K}`]: ValueOf<Rows[K]> };

/** What one side's messages must be; `null` where nothing is asked of them. */
export function compileValidation(settings: Values<'client'> & Values<'upstream'>, sender: Sender): Validation | null {
  const of = <K extends keyof Rows>(key: K) =>
    (settings as unknown as Record<string, ValueOf<Rows[K]>>)[`validate.${sender}.${key}`]!;
  const schemaFile = of('text.json_schema') ?? null;
  const maxDepth = of('max_depth') ?? null;
  if (schemaFile === null && maxDepth === null) return null;
  return {
    schemaFile,
    maxTextBytes: of('text.max_size'),
    maxDepth: maxDepth ?? usualDepth,
    binary: of('binary'),
    action: of('action'),
    reply: of('reply') ?? { type: 'error', message: '{reason}' },
  };
}
