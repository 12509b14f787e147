/**
 * A node is taken away: the values for spot nodes give numbers that fit together, and clients of a real process hear
 * 1012.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { loadConfigs } from '../../src/config/model/load.ts';
import { chart, find, type Manifest, render, valueFiles } from './helm.ts';
import { Release } from './release.ts';

const spot = join(chart, 'ci/spot-values.yaml');
const preStopSleep = { lifecycle: { preStop: { sleep: { seconds: 5 } } } };

/** The times of a rendered pod, in milliseconds. */
function timesOf(all: readonly Manifest[]) {
  const pod = find(all, 'Deployment').spec.template.spec;
  const texts = ['-listener', '-limits'].map((name) => find(all, 'ConfigMap', name).data);
  const loaded = loadConfigs(texts.flatMap(Object.entries).map(([file, text]) => ({ file, text: text as string })));
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  const { drain, routes } = loaded.config;
  const container = pod.containers.find(({ name }: { name: string }) => name === 'sluice');
  return {
    graceMs: pod.terminationGracePeriodSeconds * 1000,
    preStopMs: (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1000,
    announceMs: drain.announceMs,
    spreadMs: Math.max(...routes.map((route) => route.drain.spreadMs)),
    closeMs: Math.max(...routes.map((route) => route.timeouts.closeMs)),
    deadlineMs: Math.max(...routes.map((route) => route.drain.deadlineMs)),
  };
}

describe('the times of a pod fit together', () => {
  const gateways = valueFiles.filter((file) => !file.includes('sidecar'));

  test.each(gateways.map((file) => [basename(file), file] as const))('%s', async (_, file) => {
    const { graceMs, preStopMs, announceMs, spreadMs, closeMs, deadlineMs } = timesOf(await render({ files: [file] }));
    // A drain that only waits for its connections to end has no spread to fit in.
    expect(announceMs).toBeLessThan(deadlineMs);
    if (file === spot) expect(announceMs + spreadMs + closeMs).toBeLessThan(deadlineMs);
    expect(preStopMs + deadlineMs + 2000).toBeLessThanOrEqual(graceMs);
  });

  test('25 s in all on spot nodes, and a preStop beside it is refused where it does not fit', async () => {
    expect(timesOf(await render({ files: [spot] })).graceMs).toBe(25_000);
    const rendering = { files: [spot], values: preStopSleep };
    await expect(render(rendering)).rejects.toThrow('a drain takes up to 22 s (the longest drain.deadline) after 5 s');
    const shorter = { ...preStopSleep, config: { drain: { announce: '0s', spread: '8s', deadline: '17s' } } };
    const times = timesOf(await render({ ...rendering, values: shorter }));
    expect(times).toMatchObject({ graceMs: 25_000, preStopMs: 5000, deadlineMs: 17_000 });
  });
});

test('every client of a spot node that goes hears 1012, those who come while it is announced too, and none 1006', async () => {
  const upstream = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => void upstream.close());
  upstream.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  await once(upstream, 'listening');
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const release = await Release.start(await render({ files: [spot] }), { 'http://jupyter:8888': url });
  await using _ = release;

  const codes: Promise<number>[] = [];
  const clients: WebSocket[] = [];
  const come = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${release.ports.http}/api/kernels/a/channels`);
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    clients.push(socket);
    codes.push(once(socket, 'close').then(([code]) => code as number));
  };
  for (let i = 0; i < 60; i++) await come();
  // Two of three are in the middle of something when they are sent away.
  const traffic = setInterval(() => {
    for (const [i, socket] of clients.entries())
      if (i % 3 > 0 && socket.readyState === WebSocket.OPEN) socket.send('x');
  }, 50);
  onTestFinished(() => clearInterval(traffic));

  release.process.signal('SIGTERM');
  await expect.poll(() => release.probe('readiness')).toBe(503);
  // On a machine that is busy enough the announcement is over meanwhile: then they are refused, and go elsewhere.
  const late = await Promise.allSettled(Array.from({ length: 10 }, come));
  for (const one of late) if (one.status === 'rejected') expect(String(one.reason)).toContain('503');
  expect([...new Set(await Promise.all(codes))]).toEqual([1012]);
  // It has ended by itself.
  expect(await release.process.exited()).toBe(0);
  await expect
    .poll(() => release.process.output)
    .toMatch(new RegExp(`"event":"drained".*"connections":${clients.length},`));
}, 120_000);
