import { describe, expect, test } from 'vitest';
import { dashboardText } from '../../../monitoring/dashboard/index.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly options?: { readonly yAxis?: { readonly unit?: string } };
  readonly targets?: readonly { readonly refId: string; readonly legendFormat?: string }[];
}

const { panels: all } = JSON.parse(dashboardText()) as { panels: Panel[] };
const panels = all.filter(({ type }) => type !== 'row');

test('has the three rows', () => {
  expect(all.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual([
    'Overview',
    'Limits and backpressure',
    'Rollout and capacity',
  ]);
});

test('numbers its panels once each', () => {
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
});

describe.each(panels.map((panel) => [`${panel.id} ${panel.title}`, panel] as const))('panel %s', (_, panel) => {
  test('says what it shows, and has a unit', () => {
    expect(panel.description).toMatch(/^\S.{20,}[.]$/s);
    // A table has a unit per column.
    if (panel.type !== 'table') {
      expect(panel.fieldConfig?.defaults.unit ?? panel.options?.yAxis?.unit).toMatch(/./);
    }
  });

  test('asks the chosen data source, and names its lines', () => {
    expect(panel.datasource?.uid).toBe(`\${datasource}`);
    expect(panel.targets?.length).toBeGreaterThan(0);
    if (panel.type !== 'table') {
      for (const { legendFormat } of panel.targets ?? []) expect(legendFormat).toMatch(/./);
    }
  });

  test('stands on the grid beside the others', () => {
    const { x, y, w, h } = panel.gridPos;
    expect(x + w).toBeLessThanOrEqual(24);
    const inTheWay = all.filter(
      ({ id, gridPos: other }) =>
        id !== panel.id && other.x < x + w && x < other.x + other.w && other.y < y + h && y < other.y + other.h,
    );
    expect(inTheWay.map(({ title }) => title)).toEqual([]);
  });
});
