/** What one page has taken of a Sluice that nobody else has used. */
import { expect } from 'vitest';
import { pageLoadOf } from '../../../src/config/model/page-loads.ts';
import type { PresetName } from '../../../src/config/model/presets.ts';
import type { Sluice } from './sluice.ts';

/** It is no more than what is known of pages behind this preset. */
export async function expectPageLoad(sluice: Sluice, preset: PresetName): Promise<void> {
  const requests = await sluice.metric('http_requests_total');
  const handshakes = await sluice.metric('handshakes_total', { result: 'opened' });
  console.log(`a page behind ${preset}: ${requests} requests, ${handshakes} handshakes`);
  const most = pageLoadOf(preset);
  expect(requests).toBeLessThanOrEqual(most.requests);
  expect(handshakes).toBeLessThanOrEqual(most.handshakes);
}
