/** What is wrong in a configuration file, and where. */

/** Keys and indices from the file's top to a value. */
export type ConfigPath = readonly (string | number)[];

/** One mistake. Line and column count from 1; line 0 means the file as a whole. */
export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `routes[0].limits.client.max_message_size`; empty for the file as a whole. */
  readonly path: string;
  /** What was found, and what to write instead. */
  readonly message: string;
}

/** A path as people write it: `routes[0].match.path`. */
export function formatPath(path: ConfigPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** The one line that people see: path, mistake, remedy, place. */
export function formatConfigError(error: ConfigError): string {
  const path = error.path === '' ? '' : `${error.path}: `;
  if (error.line === 0) return `${error.file} ${path}${error.message}`;
  return `${path}${error.message} (${error.file}:${error.line}:${error.column})`;
}

/** Orders errors as they stand in the file. */
export function byPlace(a: ConfigError, b: ConfigError): number {
  return a.line - b.line || a.column - b.column || (a.message < b.message ? -1 : 1);
}

/** A key of a secret, or of a file that holds one: the secret itself may stand where the file's name belongs. */
const secretKey = /token|secret|passw|credential|key|htpasswd|jwks/i;
/** The beginning of a message, where the file is quoted. Rather too much than too little. */
const quoted = /^(?:"(?:[^"\\]|\\.)*"|[[{\d].*(?= (?:is|has|holds|does|cannot|may|stands) ))/s;

/** An error for others than its author: it quotes nothing that may be a secret in the wrong place. */
export function withoutQuotes(error: ConfigError): ConfigError {
  if (!secretKey.test(error.path)) return error;
  return { ...error, message: error.message.replace(quoted, '[redacted]') };
}
