/** Declares the replays of an app: its own server, and Sluice before it with its preset. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { PresetName } from '../../../src/config/model/presets.ts';
import { type Replay, testReplays } from '../../real/harness/replay.ts';
import { Sluice } from '../../real/harness/sluice.ts';
import type { RunningApp } from './page-suite.ts';

export interface ReplayedApp {
  readonly preset: PresetName;
  readonly start: () => Promise<RunningApp>;
  /** The one who asks is a proxy that Sluice trusts. */
  readonly trusted?: boolean;
  readonly replays: readonly Replay[];
}

export function replaySuite(name: string, { preset, start, trusted = false, replays }: ReplayedApp): void {
  describe(`${name}, as it was reported behind other proxies`, () => {
    let server: RunningApp;
    let sluice: Sluice;

    beforeAll(async () => {
      server = await start();
      sluice = await Sluice.start({
        listen: { trusted_proxies: trusted ? ['127.0.0.0/8'] : [] },
        routes: [{ name: 'app', upstream: `http://127.0.0.1:${server.port}`, preset }],
      });
    });

    afterAll(async () => {
      await sluice?.stop();
      await server?.[Symbol.asyncDispose]();
    });

    testReplays(() => ({ direct: server.port, relayed: sluice.port }), replays);
  });
}
