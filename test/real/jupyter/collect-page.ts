/**
 * Writes bench/class/page.txt: what Chromium loads to show a notebook in JupyterLab, one line of bytes and path for
 * each request, in their order. Run by hand, after `bash test/real/run.sh --prepare`: `node
 * test/real/jupyter/collect-page.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from '../harness/browser.ts';
import { setup, teardown } from '../harness/global-setup.ts';
import { root } from '../harness/paths.ts';
import { JupyterServer, token } from './jupyter-server.ts';
import { openNotebook } from './notebook-page.ts';

setup();
try {
  await using server = await JupyterServer.lab();
  const notebook = server.writeNotebook('lesson.ipynb', ['print(1)']);
  await using browser = await Browser.launch('class');
  const page = await browser.page();
  const requests: Promise<string>[] = [];
  page.on('requestfinished', (request) => {
    const line = async () => {
      const { responseBodySize } = await request.sizes();
      return `${responseBodySize} ${new URL(request.url()).pathname.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')}`;
    };
    requests.push(line());
  });
  await openNotebook(page, `${server.url}/lab/tree/${notebook}?token=${token}`);
  const lines = (await Promise.all(requests)).filter((line) => !line.startsWith('0 '));
  writeFileSync(join(root, 'bench', 'class', 'page.txt'), `${lines.join('\n')}\n`);
  const bytes = lines.reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
  console.log(`${lines.length} requests, ${(bytes / 1e6).toFixed(1)} MB`);
} finally {
  teardown();
}
