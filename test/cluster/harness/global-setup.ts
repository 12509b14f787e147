/** One cluster for a whole run, started before the first suite and stopped after the last. */
import type { TestProject } from 'vitest/node';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { ControlPlane } from './control-plane.ts';

let plane: ControlPlane | undefined;

/** Vitest calls this before the first suite. */
export async function setup(project: TestProject): Promise<void> {
  let since = performance.now();
  plane = await ControlPlane.start(scratchDirectory('cluster'), (phase) => {
    const now = performance.now();
    console.log(`test:cluster: ${phase} took ${((now - since) / 1000).toFixed(1)} s`);
    since = now;
  });
  project.provide('kubeconfig', plane.kubeconfig);
}

/** Vitest calls this after the last suite. */
export async function teardown(): Promise<void> {
  await plane?.stop();
}

declare module 'vitest' {
  export interface ProvidedContext {
    kubeconfig: string;
  }
}
