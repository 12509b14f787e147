/** Gradio, which asks nobody outside. */
import { scratchDirectory } from '../../real/harness/paths.ts';
import type { RunningApp } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

export function startGradio(): Promise<RunningApp> {
  return startPython({
    part: 'marimo',
    program: 'python',
    args: ['gradio_app.py', '{port}'],
    probe: '/',
    env: { GRADIO_ANALYTICS_ENABLED: 'False', HF_HUB_OFFLINE: '1', GRADIO_TEMP_DIR: scratchDirectory('gradio') },
  });
}
