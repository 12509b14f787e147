/** Connecting as the gateway does, with a resolver of the test's. */

import { UpstreamTrust } from '../../src/config/live/upstream-trust.ts';
import { createLog } from '../../src/observe/log/log.ts';
import { systemLookup } from '../../src/upstream/addresses.ts';
import { Connector, type ConnectorParts } from '../../src/upstream/connect.ts';

/**
 * A connector that finds what the system finds, has descriptors enough and reads `upstream_tls`, but for what is
 * given.
 */
export function testConnector(parts: Partial<ConnectorParts> = {}): Connector {
  const trust = new UpstreamTrust(createLog({ write() {} }));
  return new Connector({ lookup: systemLookup, admit: () => true, trust: (tls) => trust.of(tls), ...parts });
}
