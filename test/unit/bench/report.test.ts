import { expect, test } from 'vitest';
import { auth, limits, peers } from '../../../bench/peers.ts';
import { allHold, authTable, choose, limitsTable, targetTable } from '../../../bench/report.ts';
import { Results } from '../../../bench/results.ts';
import type { Sample } from '../../../bench/sample.ts';
import { workloads } from '../../../bench/workloads.ts';

function chosen(...only: string[]) {
  const choice = choose(only, peers);
  if (typeof choice === 'string') return choice;
  const names = (all: readonly { readonly name: string }[]) => all.map(({ name }) => name);
  return { peers: names(choice.peers), workloads: names(choice.workloads), limits: choice.limits, auth: choice.auth };
}

const all = {
  peers: peers.map(({ name }) => name),
  workloads: workloads.map(({ name }) => name),
  limits: true,
  auth: true,
};

test.each([
  { only: [], expected: all },
  { only: ['echo-16k'], expected: { ...all, workloads: ['echo-16k'] } },
  { only: ['nginx', 'sluice'], expected: { ...all, peers: ['sluice', 'nginx'], limits: false, auth: false } },
  { only: ['limits', 'up-1m'], expected: { peers: [], workloads: ['up-1m'], limits: true, auth: false } },
  { only: ['auth', 'get-1k'], expected: { peers: [], workloads: ['get-1k'], limits: false, auth: true } },
])('--only $only', ({ only, expected }) => {
  expect(chosen(...only)).toEqual(expected);
});

test('a name that is nobody’s is told, with all that there are', () => {
  expect(chosen('sluice', 'sluce')).toMatch(/^--only sluce: choose from direct, sluice, .*limits, auth, echo-100/);
});

test('what limits cost is the median of the windows’ ratios', () => {
  const results = new Results();
  const samples = (...values: number[]) => values.map((cpuUsPerMessage) => ({ cpuUsPerMessage }) as Sample);
  results.add('echo-100', limits.off.name, { samples: samples(10, 20, 40), problem: null, repeats: 0 });
  results.add('echo-100', limits.on.name, { samples: samples(10.2, 20.6, 48), problem: null, repeats: 0 });
  expect(limitsTable(results, workloads)).toMatch(
    /echo 100 B × 64 connections: CPU µs per message +20\.0 +20\.6 +3\.0 %$/,
  );
  expect(limitsTable(new Results(), workloads)).toBe('');
});

test('what authentication costs is told beside what a second process of the same differs by', () => {
  const results = new Results();
  const add = (peer: keyof typeof auth, ...values: number[]) => {
    const samples = values.map((cpuUsPerHandshake) => ({ cpuUsPerHandshake }) as Sample);
    results.add('handshake', auth[peer].name, { samples, problem: null, repeats: 0 });
  };
  add('nowhere', 100, 200, 400);
  add('again', 99, 198, 396);
  add('elsewhere', 102, 204, 408);
  add('token', 200, 400, 800);
  expect(authTable(results, workloads)).toMatch(/CPU µs per handshake +200 +-1\.0 % +2\.0 % +100\.0 %$/);
  expect(authTable(new Results(), workloads)).toBe('');
});

test('where Sluice could not do its work nothing holds; what others fail at is theirs', () => {
  const failed = { samples: [null], problem: 'does not listen', repeats: 0 };
  const results = new Results();
  results.add('idle', 'chp', failed);
  expect(allHold(results)).toBe(true);
  results.add('echo-100', 'limits-on', failed);
  expect(allHold(results)).toBe(false);
});

test('how long an echo beside a class waits is told of everybody in the run, also where the machine spoils the number', () => {
  const results = new Results();
  const add = (peer: string, besideP99Ms: number) =>
    results.add('class', peer, { samples: [{ besideP99Ms } as Sample], problem: null, repeats: 0 });
  const line = () => targetTable(results).match(/^an echo while a class begins, p99.*$/m)![0];
  expect(line()).toMatch(/50 ms +25 ms +– +not measured$/);
  add('sluice', 41);
  add('nginx', 64.25);
  expect(line()).toMatch(/41 ms +holds +\(sluice 41 ms, nginx 64.25 ms\)$/);
  add('direct', 31);
  expect(line()).toMatch(/– +not measured +\(direct 31 ms, sluice 41 ms, nginx 64.25 ms\)$/);
});
