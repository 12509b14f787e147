import { expect, test } from 'vitest';
import { adminOutcomes, connectionOutcomes, handshakeOutcomes, httpOutcomes } from '../../../src/catalogue/outcomes.ts';
import { isLegalCode } from '../../../src/websocket/close.ts';

test('a flag stands for one outcome, also where a handshake and an HTTP request can end alike', () => {
  const names = new Map<string, string>();
  for (const table of [handshakeOutcomes, httpOutcomes, adminOutcomes, connectionOutcomes]) {
    for (const [name, { flag }] of Object.entries(table)) {
      expect(flag).toMatch(/^[A-Z]{2}$/);
      // A drain refuses handshakes and ends connections.
      const meaning = name === 'draining' ? 'drain' : name;
      expect(names.get(flag) ?? meaning).toBe(meaning);
      names.set(flag, meaning);
    }
  }
});

test('every close code of the catalogue may stand in a close frame, and no client that should come back hears 1000', () => {
  for (const [name, row] of Object.entries(connectionOutcomes)) {
    for (const code of [row.client, row.upstream])
      if (code !== 0 && !isLegalCode(code)) expect.fail(`${name}: ${code}`);
    expect(row.client).not.toBe(1000);
    // JupyterLab does not reconnect after 1001, which only a forgotten tab shall hear.
    if (row.client === 1001) expect(name).toBe('idle_timeout');
  }
});
