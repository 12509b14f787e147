import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../../real/harness/paths.ts';
import { pageSuite } from '../harness/page-suite.ts';
import { startPython } from '../harness/python-server.ts';

/**
 * A protobuf message of nothing but a field that Streamlit does not know (number 5000): it is read whole, and passed
 * over.
 */
const unknownField = `(() => {
  const message = new Uint8Array(bytes);
  const length = bytes - 7;
  message.set([0xc2, 0xb8, 0x02, (length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21]);
  return message;
})()`;

/**
 * More than Tornado's buffer of 100 MB: streamlit/streamlit#1522 tells of 400 there, #9719 of 403 where the cookie of
 * its check is lost.
 */
const fileBytes = 120_000_000;

pageSuite('streamlit', {
  preset: 'streamlit',
  start: () =>
    startPython({
      part: 'streamlit',
      program: 'streamlit',
      args: [
        'run',
        'streamlit_app.py',
        '--server.port={port}',
        '--server.address=127.0.0.1',
        '--server.headless=true',
        '--browser.gatherUsageStats=false',
      ],
      probe: '/_stcore/health',
    }),
  socket: '/_stcore/stream',
  ready: (page) => page.getByText('answer 0').waitFor(),
  use: async (page, turn) => {
    await page.getByLabel('number', { exact: true }).fill(String(turn));
    await page.keyboard.press('Enter');
    await page.getByText(`answer ${turn}`, { exact: true }).waitFor();
    // It travels over HTTP, beside the socket.
    const path = join(scratchDirectory('file'), `upload-${turn}.bin`);
    writeFileSync(path, Buffer.alloc(fileBytes + turn));
    await page.locator('input[type=file]').setInputFiles(path);
    await page.getByText(`${fileBytes + turn} bytes`, { exact: true }).waitFor();
  },
  limit: { bytes: 25_000_000, message: unknownField, directCode: 1009 },
});
