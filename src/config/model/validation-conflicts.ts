/** Mistakes in `validate` that no single value shows. */
import type { ConfigDocument } from '../language/document.ts';
import type { ConfigError, ConfigPath } from '../language/errors.ts';
import { errorAt } from './explain.ts';

/** Validation that asks for nothing, and answers that nobody would get. */
export function validationConflicts(document: ConfigDocument): ConfigError[] {
  const file = mapping(document.value);
  const { templates } = mapping(file.routes_api);
  return [
    ...listOf(file.routes).flatMap((route, i) => ofRoute(document, ['routes', i], route)),
    ...listOf(templates).flatMap((route, i) => ofRoute(document, ['routes_api', 'templates', i], route)),
  ];
}

function ofRoute(document: ConfigDocument, at: ConfigPath, route: unknown): ConfigError[] {
  const validate = mapping(mapping(route).validate);
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

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function mapping(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
