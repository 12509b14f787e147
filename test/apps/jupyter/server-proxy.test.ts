import { socketSuite } from '../harness/socket-suite.ts';
import { startProxiedApp } from './proxied-app.ts';

const MiB = 1024 * 1024;

socketSuite('jupyter-server-proxy', {
  preset: 'jupyter-server-proxy',
  async start() {
    const app = await startProxiedApp();
    return { ...app, path: `${app.path}/ws` };
  },
  message: (bytes) => 'x'.repeat(bytes),
  takes: 10 * MiB,
  directCodes: [1009, 1006],
});
