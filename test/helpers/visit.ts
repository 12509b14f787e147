/** A visit as a lane makes one. */
import type { Origination } from '../../src/admission/client-address.ts';
import { RouteRates } from '../../src/admission/rates.ts';
import { ConnectionSlots } from '../../src/admission/slots.ts';
import type { StepParts } from '../../src/admission/steps.ts';
import { type AdmissionRoute, Visit, type VisitInit } from '../../src/admission/visit.ts';
import { RawFields } from '../../src/http/head-fields.ts';
import type { RawHeaders } from '../../src/http/raw-fields.ts';
import { RouteCounters } from '../../src/observe/metrics/counters.ts';
import { type RouteOverrides, testRoute } from './relay.ts';

export interface VisitOverrides extends Partial<Omit<VisitInit, 'origination'>> {
  readonly headers?: RawHeaders;
  readonly address?: string;
  readonly origination?: Partial<Origination>;
}

/** A route that everybody is admitted to. */
export function admissionRoute(route: RouteOverrides = {}, parts: Partial<AdmissionRoute> = {}): AdmissionRoute {
  return {
    route: testRoute(route),
    counters: new RouteCounters(),
    slots: new ConnectionSlots(),
    steps: () => [],
    ...parts,
  };
}

export function testVisit(overrides: VisitOverrides = {}): Visit {
  const { headers = ['Host', 'gateway.test'], address = '192.0.2.1', origination, ...rest } = overrides;
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
      came: [],
      portCame: false,
      ...origination,
    },
    peer: { address, encrypted: false, certificate: null },
    ipv6Prefix: 64,
    named: undefined,
    route: admissionRoute(),
    ...rest,
  });
}

/** A handshake that is valid. */
export const handshakeFields: RawHeaders = [
  ...['Host', 'gateway.test', 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
  ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];

/** What steps need of a gateway that has memory and goes on. */
export const calmParts: StepParts = {
  memory: { usedBytes: 0, limitBytes: 100, pressed: false },
  refusesHandshakes: () => false,
  rates: new RouteRates(),
  reported: () => {},
  authenticate: () => null,
  quotas: null,
};
