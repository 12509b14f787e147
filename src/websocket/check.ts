/** Whether an upstream's 101 opens the tunnel that was asked for (RFC 6455 §4.1, the client's duties). */

import { type FieldValues, hasElement } from '../http/raw-fields.ts';
import { acceptOf } from './accept.ts';
import type { HandshakeAsk } from './validate.ts';

/** What the upstream agreed to, or why its answer is not valid. */
export type Agreement =
  | {
      readonly subprotocol: string | null;
      /** What is wrong with it, for the log; it is passed on all the same, and the client is the one to judge it. */
      readonly oddity: string | null;
    }
  | { readonly problem: string };

/** An upstream's answer with the status 101. */
export interface Switch {
  readonly httpVersion: string;
  readonly fields: FieldValues;
}

/** Checks a 101 against what was asked. */
export function checkSwitch({ httpVersion, fields }: Switch, ask: HandshakeAsk): Agreement {
  if (httpVersion !== '1.1') return { problem: `it answers with HTTP/${httpVersion}` };
  if (!hasElement(fields.values('upgrade'), 'websocket')) return { problem: 'Upgrade does not name websocket' };
  if (!hasElement(fields.values('connection'), 'upgrade')) return { problem: 'Connection does not name Upgrade' };
  const accepts = fields.values('sec-websocket-accept');
  if (accepts.length !== 1 || accepts[0] !== acceptOf(ask.key)) return { problem: 'Sec-WebSocket-Accept is wrong' };
  // Of any length: the list is not taken apart.
  if (fields.values('sec-websocket-extensions').some((list) => /[^,\s]/.test(list))) {
    return { problem: 'it accepts an extension, and none was offered' };
  }
  const chosen = fields.values('sec-websocket-protocol');
  return { subprotocol: chosen[0] ?? null, oddity: oddityOf(chosen, ask) };
}

/**
 * What is wrong with the subprotocols that an upstream chose. Browsers fail such a connection, other clients need not.
 */
function oddityOf(chosen: readonly string[], { subprotocols }: HandshakeAsk): string | null {
  if (chosen.length > 1) return `it chose ${chosen.length} subprotocols`;
  const [subprotocol] = chosen;
  if (subprotocol === undefined || subprotocols.includes(subprotocol)) return null;
  return subprotocol === '' ? 'it chose an empty subprotocol' : 'it chose a subprotocol that was not offered';
}
