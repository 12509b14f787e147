/** How the admin port turns an operator's request away. The key is the label `reason`, and the `code` of the answer. */
import type { AnswerRow } from './row.ts';

/** All of them have an answer. */
export type AdminRefusalRow = AnswerRow & { readonly remedy: string };

export const adminRefusals = {
  host: {
    status: 403,
    level: 'warn',
    flag: 'AH',
    words: 'the Host header is a name that anybody may have pointed here',
    remedy:
      'ask for http://127.0.0.1, http://localhost or the host of admin.address; for the API by another name set admin.token_file',
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
    remedy: 'use the status page of this port, or a program that is no browser',
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
    remedy: 'send Authorization: Bearer TOKEN, with the token of admin.token_file',
    headers: [['WWW-Authenticate', 'Bearer realm="sluice"']],
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
    remedy: 'read the file again, or ask who set it',
    // RFC 6750 §3 names an error only where a token was tried.
    headers: [['WWW-Authenticate', 'Bearer realm="sluice", error="invalid_token"']],
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
    remedy: 'wait as long as Retry-After says, then send the token of admin.token_file',
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
    remedy: "look into Sluice's log, which says what is wrong with the file",
    advice: {
      means:
        'the file of `admin.token_file` cannot be read, is empty or holds less than 16 characters: the API refuses everybody meanwhile',
      look: '`detail`',
      change: 'mount the Secret again',
    },
  },
} as const satisfies Record<string, AdminRefusalRow>;
