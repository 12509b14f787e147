/** A visit as a lane makes one. */
import type { Origination } from '../../src/admission/client-address.ts';
import { ConnectionSlots } from '../../src/admission/slots.ts';
import { Visit, type VisitInit } from '../../src/admission/visit.ts';
import { RawFields } from '../../src/http/head-fields.ts';
import type { RawHeaders } from '../../src/http/raw-fields.ts';
import { RouteCounters } from '../../src/observe/metrics/counters.ts';
import { type RouteOverrides, testRoute } from './relay.ts';

export interface VisitOverrides extends Partial<Omit<VisitInit, 'origination' | 'route'>> {
  readonly headers?: RawHeaders;
  readonly address?: string;
  readonly origination?: Partial<Origination>;
  readonly route?: RouteOverrides;
  readonly slots?: ConnectionSlots;
}

export function testVisit(overrides: VisitOverrides = {}): Visit {
  const { headers = ['Host', 'gateway.test'], address = '192.0.2.1', origination, route, slots, ...rest } = overrides;
  return new Visit({
    kind: 'http',
    method: 'GET',
    httpVersion: '1.1',
    host: 'gateway.test',
    target: '/',
    fields: new RawFields(headers),
    headerBytes: 100,
    origination: {
      address,
      scheme: 'http',
      host: 'gateway.test',
      trusted: false,
      untrustedHeaders: false,
      forwarding: [],
      ...origination,
    },
    peer: { address, encrypted: false },
    ipv6Prefix: 64,
    named: undefined,
    ...rest,
    route: { route: testRoute(route), counters: new RouteCounters(), slots: slots ?? new ConnectionSlots() },
  });
}

/** A handshake that is valid. */
export const handshakeFields: RawHeaders = [
  ...['Host', 'gateway.test', 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
  ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];
