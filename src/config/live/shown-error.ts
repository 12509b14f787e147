/**
 * A mistake of the configuration as others than its author may read it: in the log, on the status page, at the start.
 */
import { withoutSecrets } from '../../observe/log/redaction.ts';
import { type ConfigError, formatConfigError, withoutQuotes } from '../language/errors.ts';

/** One line. An error quotes what stands in the file, and a secret may stand where none belongs. */
export function shownError(error: ConfigError): string {
  return withoutSecrets(formatConfigError(withoutQuotes(error)));
}
