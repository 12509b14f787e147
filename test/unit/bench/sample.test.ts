import { expect, test } from 'vitest';
import { joinRuns, type Run, toSample } from '../../../bench/sample.ts';
import { workloads } from '../../../bench/workloads.ts';

const echo = workloads.find(({ name }) => name === 'echo-100')!;

function slice(messages: number, cpu: number, rssPeak: number, p50Us: number): Run {
  const percentiles = { p50Us, p99Us: p50Us * 2, p50SoFarUs: p50Us, p99SoFarUs: p50Us * 2 };
  const report = { seconds: 0.1, messages, bytes: messages * 100, ...percentiles, unfinished: 0, closed: 0 };
  return { reports: [report], proxy: { cpu, rssBefore: 50e6, rssAfter: 51e6, rssPeak }, loadCpu: 0.05 };
}

test('a window is the sum of its slices: a short one weighs less', () => {
  const sample = toSample(
    echo,
    joinRuns([slice(1000, 0.01, 60e6, 500), slice(3000, 0.06, 55e6, 700), slice(0, 0.002, 52e6, 600)]),
  );
  expect(sample.cpuUsPerMessage).toBeCloseTo(18);
  expect(sample.messagesPerSecond).toBeCloseTo(4000 / 0.3);
  expect(sample.loadBusy).toBeCloseTo(50);
  expect(sample).toMatchObject({ p50Us: 600, p99Us: 1200, rssPeak: 60, rssGrowth: 10, delivered: 4000 });
});

test('what waits beside a crowd is told of as a whole, and by its worst part', () => {
  const { reports, proxy, loadCpu } = slice(10, 1, 0, 1);
  const part = (p99Us: number, p50SoFarUs: number, p99SoFarUs: number) => ({
    ...reports[0]!,
    p99Us,
    p50SoFarUs,
    p99SoFarUs,
  });
  const beside = [part(5000, 1000, 5000), part(90_000, 3000, 70_000), part(6000, 2000, 40_000)];
  const told = { besideP50Ms: 2, besideP99Ms: 40, besideWorstP99Ms: 90 };
  expect(toSample(echo, { reports, proxy, loadCpu, beside })).toMatchObject(told);
  const nothing = { besideP50Ms: null, besideP99Ms: null, besideWorstP99Ms: null };
  expect(toSample(echo, { reports, proxy, loadCpu })).toMatchObject(nothing);
});

test('without a proxy a window has no CPU', () => {
  const { reports, loadCpu } = slice(10, 0, 0, 1);
  const direct: Run = { reports, proxy: null, loadCpu };
  expect(toSample(echo, joinRuns([direct, direct]))).toMatchObject({
    cpuUsPerMessage: null,
    proxyBusy: null,
    delivered: 20,
  });
});
