/** Mistakes in `validate` that no single value shows. */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError } from '../language/errors.ts';
import { mapping, type WrittenRoute, writtenRoutes } from './as-written.ts';
import { errorAt } from './explain.ts';

/** Validation that asks for nothing, and answers that nobody would get. */
export function validationConflicts(document: ConfigDocument): ConfigError[] {
  return writtenRoutes(document).flatMap((route) => ofRoute(document, route));
}

function ofRoute(document: ConfigDocument, { at, route }: WrittenRoute): ConfigError[] {
  const validate = mapping(route.validate);
  return (['client', 'upstream'] as const).flatMap((sender) => {
    if (validate[sender] === undefined) return [];
    const side = mapping(validate[sender]);
    const path = [...at, 'validate', sender];
    const errors: ConfigError[] = [];
    if (mapping(side.text).json_schema === undefined && side.max_depth === undefined) {
      const message = 'asks for nothing; add text.json_schema: FILE, or max_depth: 64 where every JSON will do';
      errors.push(errorAt(document, path, message, 'key'));
    }
    if (side.reply !== undefined && side.action !== 'reply') {
      const message = 'is an answer that nobody gets; add action: reply, or remove it';
      errors.push(errorAt(document, [...path, 'reply'], message, 'key'));
    }
    return errors;
  });
}
