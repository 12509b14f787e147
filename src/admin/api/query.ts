/** The query of an operation, read by its schema: what it says, or everything that is wrong with it. */
import type { z } from 'zod';
import { type Answer, problem } from '../answer.ts';

/** More are not read. */
const mostProblems = 10;

/** Reads a query, or says everything that is wrong with it. */
export function parseQuery<Schema extends z.ZodObject>(
  schema: Schema,
  query: URLSearchParams,
): z.output<Schema> | { readonly problems: readonly string[] } {
  const twice = [...new Set(query.keys())].filter((key) => query.getAll(key).length > 1);
  const parsed = schema.safeParse(Object.fromEntries(query));
  const problems = [
    ...twice.map((key) => `${key} is given twice; give it once`),
    ...(parsed.error?.issues.flatMap((issue) => explain(issue, schema)) ?? []),
  ];
  return parsed.success && problems.length === 0 ? parsed.data : { problems };
}

/** What whoever asked hears of it. */
export function badQuery(problems: readonly string[]): Answer {
  const remedy = problems.slice(0, mostProblems).join('. ');
  return problem(400, { code: 'bad_query', what: 'the query is wrong', remedy });
}

function explain(issue: z.core.$ZodIssue, schema: z.ZodObject): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `there is no ${key}; there are ${Object.keys(schema.shape).join(', ')}`);
  }
  const key = issue.path.join('.');
  if (issue.code === 'invalid_value') return [`${key}: write one of ${issue.values.join(', ')}`];
  if (issue.code === 'too_big') return [`${key}: write ${issue.maximum} characters at most`];
  return [`${key}: ${issue.message}`];
}
