/** An open connection, for whoever may have to end it. */
import type { OpenConnection } from '../../src/admission/open-connection.ts';

export function fakeConnection(own: Partial<OpenConnection> = {}): OpenConnection {
  return {
    id: '1',
    facts: {} as OpenConnection['facts'],
    lastDataAt: 0,
    isEnding: false,
    end: () => {},
    evict: () => {},
    cut: () => {},
    ...own,
  };
}
