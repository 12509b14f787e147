/** Requests for tests of authentication. */

import { applyEdits, type Edits } from '../../../../src/admission/auth/edits.ts';
import type { AuthRequest } from '../../../../src/admission/auth/types.ts';
import { Changes } from '../../../../src/http/changes.ts';

export function authRequest(headers: readonly string[] = [], more: Partial<AuthRequest> = {}): AuthRequest {
  return {
    method: 'GET',
    target: '/',
    scheme: 'https',
    host: 'apps.test',
    headers,
    address: '192.0.2.1',
    subscriber: '192.0.2.1',
    trusted: false,
    certificate: null,
    ...more,
  };
}

/** What of a request goes on, as lines, and its target. */
export function edited(edits: Edits, headers: readonly string[], target = '/'): { lines: string[]; target: string } {
  const changes = new Changes();
  applyEdits(edits, changes);
  const lines: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const value = changes.line(headers[i]!, headers[i + 1]!);
    if (value !== null) lines.push(`${headers[i]}: ${value}`);
  }
  return {
    lines: [...lines, ...changes.set.map(([name, value]) => `${name}: ${value}`)],
    target: changes.target(target),
  };
}
