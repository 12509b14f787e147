/** How the admin port turns an operator's request away. The key is the label `reason`, and the `code` of the answer. */
import type { AnswerRow } from './row.ts';

export const adminRefusals = {
  host: {
    status: 403,
    level: 'warn',
    flag: 'AH',
    words: 'the Host header is a name that anybody may have pointed here',
    advice: {
      means:
        'the admin port was asked by a name that is not its own: a page may have pointed that name here (DNS rebinding)',
      look: "`client`: yours, or somebody's browser",
      change: 'ask for an address or localhost; for the API by another name set `admin.token_file`',
    },
  },
  cross_site: {
    status: 403,
    level: 'warn',
    flag: 'AX',
    words: 'a page of another site asks for this',
    advice: {
      means: 'a page of another site asked for something that changes Sluice',
      look: '`client`: whose browser it is',
      change: 'use the status page of the port itself',
    },
  },
  no_token: {
    status: 401,
    level: 'warn',
    flag: 'AN',
    words: 'the request carries no token',
    advice: {
      means: 'a request to the API without a token',
      look: '`client`',
      change: 'send `Authorization: Bearer TOKEN`',
    },
  },
  wrong_token: {
    status: 401,
    level: 'warn',
    flag: 'AW',
    words: 'the token is not the one of admin.token_file',
    advice: {
      means: 'the token is not the one in `admin.token_file`',
      look: '`client`, `refused`: many are somebody who tries',
      change: 'read the token again; close the port to others',
    },
  },
  too_many_tries: {
    status: 429,
    level: 'warn',
    flag: 'AT',
    words: 'too many wrong tokens came from this address',
    advice: {
      means:
        'an address sent many wrong tokens, and for now none of it is looked at, a right one neither; others are served',
      look: '`client`, `refused`: somebody guesses, or a program has an old token',
      change: 'correct the program, or close the port to the address',
    },
  },
  token_file: {
    status: 503,
    level: 'error',
    flag: 'AF',
    words: 'admin.token_file holds no token to compare with',
    advice: {
      means:
        'the file of `admin.token_file` cannot be read, is empty or holds less than 16 characters: the API refuses everybody meanwhile',
      look: '`detail`',
      change: 'mount the Secret again',
    },
  },
} as const satisfies Record<string, AnswerRow>;
