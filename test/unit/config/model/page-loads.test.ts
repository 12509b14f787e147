import { expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/model/load.ts';
import { pageLoadOf, reportedHandshakes } from '../../../../src/config/model/page-loads.ts';
import { presetNames } from '../../../../src/config/model/presets.ts';

test.each([...presetNames])('%s lets an office open its pages, and a page of it is more than nothing', (preset) => {
  const { requests, handshakes } = pageLoadOf(preset);
  expect(requests).toBeGreaterThanOrEqual(20);
  expect(reportedHandshakes(preset)).toEqual({
    perSecond: 10 * handshakes,
    burst: 200 * handshakes,
    action: 'pause',
    isReported: true,
  });
});

function ratesOf(lines: string) {
  const loaded = loadConfig('a.yaml', `routes:\n  - {name: a, upstream: "http://a:1"${lines}}`);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  return loaded.config.routes[0]!.rates;
}

test('a preset reports what is beyond its rate, and a rate that is set refuses', () => {
  expect(ratesOf('').handshakesPerAddress).toBe(null);
  expect(ratesOf(', preset: panel').handshakesPerAddress).toMatchObject({
    perSecond: 10,
    burst: 200,
    isReported: true,
  });
  const set = ratesOf(', preset: panel, rates: {handshakes_per_address: 5/s}').handshakesPerAddress;
  expect(set).toMatchObject({ perSecond: 5, burst: 5 });
  expect(set).not.toHaveProperty('isReported');
});
