/** What messages must be, where a route asks for that. It is violated as a limit is, but it is no number. */
import type { ContentRuleRow } from './row.ts';

/** The keys are the names of the sections in the file. */
export const contentRules = {
  validate: {
    field: 'validate',
    kind: 'count',
    builtIn: null,
    about: 'What messages must be: UTF-8, JSON of some depth, and what a JSON Schema says.',
    isViolation: true,
    exceeded: '{detail}',
    closes: {
      as: 'invalid_message',
      client: 1007,
      upstream: 1007,
      level: 'warn',
      flag: 'IM',
      words: 'a message is not as validate wants it',
      advice: {
        means:
          'somebody sent a message that `validate` of the route refuses; both sides heard 1007 with the rule and the place',
        look: '`sender`, and `limit.detail`: the rule (a keyword of the schema, `json`, `utf8`, `max_depth`, `max_size`, `binary`, `too_costly`) and the place in the message, a JSON Pointer',
        change:
          'the program that sends it, or the schema. Try a new schema with `action: report`, which counts and lets pass; `action: reply` answers and keeps the connection',
      },
    },
    table: { none: 'off', first: 'reported, or answered and dropped, where `action` says so' },
  },
} as const satisfies Record<string, ContentRuleRow>;
