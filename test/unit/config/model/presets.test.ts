import { describe, expect, test } from 'vitest';
import { type PresetName, presetNames, presets } from '../../../../src/config/model/presets.ts';
import { builtIn } from '../../../../src/config/model/route-settings.ts';

const second = 1000;
/** As long as Linux's TCP bears a peer that has vanished, to the minute. */
const tcpMs = 15 * 60 * second;

/**
 * How long each backend itself bears a client that is silent, and one that takes nothing: the interval of its pings and
 * its wait for a pong together, as its source has them. Tried with the real ones where sleeping takes less than a
 * minute.
 */
const ownMs: Readonly<Record<PresetName, readonly [quiet: number | null, stuck: number | null]>> = {
  // Their pings ask for no answer.
  panel: [null, null],
  bokeh: [null, null],
  'panel-fastapi': [40 * second, 40 * second],
  jupyter: [120 * second, 120 * second],
  'jupyter-collaboration': [null, null],
  voila: [120 * second, 120 * second],
  'jupyter-server-proxy': [null, null],
  tornado: [null, null],
  fastapi: [40 * second, 40 * second],
  uvicorn: [40 * second, 40 * second],
  websockets: [40 * second, null],
  aiohttp: [null, null],
  streamlit: [60 * second, 60 * second],
  shiny: [40 * second, 40 * second],
  solara: [40 * second, 40 * second],
  marimo: [61 * second, 61 * second],
  gradio: [40 * second, 40 * second],
  dash: [40 * second, 40 * second],
  // It goes on for hours with a client that comes back.
  'code-server': [null, null],
  dask: [null, null],
};

describe.each(presetNames)('%s', (name) => {
  const { bears, settings } = presets[name];
  const [quietMs, stuckMs] = ownMs[name];

  test('bears what its backend bears', () => {
    expect(bears).toMatchObject({ quietMs, stuckMs });
  });

  test('a client that takes nothing is ended by its backend, or by TCP, and soon after by Sluice', () => {
    const pauseMs = settings['limits.upstream.max_pause']!;
    expect(pauseMs).toBeGreaterThanOrEqual(stuckMs === null ? tcpMs : stuckMs + 5 * second);
    expect(pauseMs).toBeLessThanOrEqual(stuckMs === null ? tcpMs : stuckMs + 10 * second);
  });

  test('a client that is silent is borne for as long as by its backend', () => {
    const timeoutMs = settings['ping.timeout']!;
    expect(builtIn['ping.client'] + timeoutMs).toBeGreaterThanOrEqual(quietMs ?? tcpMs);
  });

  test('a backend that computes is waited for, however long a person would', () => {
    expect(settings['limits.client.max_pause']).toBeGreaterThanOrEqual(30 * 60 * second);
  });
});
