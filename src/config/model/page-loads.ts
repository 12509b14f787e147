/**
 * What one page of an app takes when it is opened and used: requests of plain HTTP and WebSocket handshakes. Counted
 * with the real app in Chromium, with nothing in its cache (`test/apps`, `test/real`), where a test holds that it is no
 * more.
 */
import type { AskingRate } from '../types.ts';
import type { PresetName } from './presets.ts';

export interface PageLoad {
  readonly requests: number;
  readonly handshakes: number;
}

/** Rounded up by a half or so: other versions and other apps have other files. */
const pages: Readonly<Partial<Record<PresetName, PageLoad>>> = {
  panel: { requests: 40, handshakes: 1 },
  bokeh: { requests: 40, handshakes: 1 },
  'panel-fastapi': { requests: 40, handshakes: 1 },
  jupyter: { requests: 160, handshakes: 8 },
  'jupyter-collaboration': { requests: 160, handshakes: 8 },
  voila: { requests: 150, handshakes: 2 },
  streamlit: { requests: 140, handshakes: 1 },
  shiny: { requests: 40, handshakes: 1 },
  solara: { requests: 40, handshakes: 1 },
  marimo: { requests: 450, handshakes: 1 },
  gradio: { requests: 100, handshakes: 1 },
  dash: { requests: 40, handshakes: 1 },
  uvicorn: { requests: 80, handshakes: 1 },
  'code-server': { requests: 60, handshakes: 4 },
};

/** A page with its scripts, styles and fonts, where none was counted. */
const usual: PageLoad = { requests: 80, handshakes: 1 };

/** So many people behind one address open their pages at once, or come back at once after a restart. */
export const peopleAtOnce = 200;
/** So many of them go on opening pages, each second. */
export const pagesPerSecond = 10;

/** What one page takes behind a route with this preset. */
export function pageLoadOf(preset: PresetName | null): PageLoad {
  return (preset === null ? undefined : pages[preset]) ?? usual;
}

/**
 * Beyond how many handshakes of one address a preset says that something is odd. It refuses none: whether an address is
 * a person, an office or an ingress only the operator knows.
 */
export function reportedHandshakes(preset: PresetName | null): AskingRate | null {
  if (preset === null) return null;
  const { handshakes } = pageLoadOf(preset);
  return {
    perSecond: pagesPerSecond * handshakes,
    burst: peopleAtOnce * handshakes,
    action: 'pause',
    isReported: true,
  };
}
