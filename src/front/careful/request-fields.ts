/** What an upstream is told in the careful lane: the client's fields as they came, with our changes and forwarding lines. */
import type { ClientRequest } from 'node:http';
import { forwardingOfApi } from '../../admission/client-address.ts';
import type { Visit } from '../../admission/visit.ts';
import { requestFields } from '../../http/headers.ts';
import type { RawHeaders } from '../../http/raw-fields.ts';
import type { HubDuties } from '../edge-route.ts';

/** Fields that go on, and those that Sluice adds. */
interface Told {
  readonly lines: RawHeaders;
  readonly forwarding: readonly (readonly [name: string, value: string])[];
}

/** What the upstream of a visit is told; `raw` is what its client has said. */
export function toldOf({ changes, origination }: Visit, hub: HubDuties | null, raw: RawHeaders): Told {
  const forwarding = hub === null ? origination.forwarding : forwardingOfApi(origination, changes);
  if (changes === null) return { lines: raw, forwarding };
  return { lines: changes.lines(raw), forwarding: [...forwarding, ...changes.set] };
}

/** Replaces the lower-case copies that http-proxy made by the client's headers as they came; its framing stays. */
export function setRequestFields(upstreamReq: ClientRequest, told: Told, trusted: boolean, repeats: boolean): void {
  const host = upstreamReq.getHeader('host');
  const length = upstreamReq.getHeader('content-length');
  const coding = upstreamReq.getHeader('transfer-encoding');
  for (const name of upstreamReq.getHeaderNames()) upstreamReq.removeHeader(name);
  for (const [name, values] of requestFields(told.lines, told.forwarding, trusted)) {
    upstreamReq.setHeader(name, values.length === 1 ? values[0]! : values);
  }
  // Only a client of HTTP/1.0 may leave it out.
  if (host !== undefined && !upstreamReq.hasHeader('host')) upstreamReq.setHeader('Host', host);
  // In their usual form: a backend that knows `chunked` in small letters alone, or takes `010` for eight, would see
  // another request in the body.
  if (length !== undefined) upstreamReq.setHeader('Content-Length', String(length).replace(/^0+(?=\d)/, ''));
  if (coding !== undefined) upstreamReq.setHeader('Transfer-Encoding', 'chunked');
  // A backend that does not read a body, for whatever reason, would take it for the next request. Node itself would use
  // the connection again if the backend does not close it.
  upstreamReq.setHeader('Connection', repeats ? 'keep-alive' : 'close');
  if (!repeats) upstreamReq.shouldKeepAlive = false;
}
