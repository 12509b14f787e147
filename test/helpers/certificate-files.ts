/** The certificate of the tests as files, for what reads no other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from './scratch-folder.ts';
import { cert, key } from './test-certificate.ts';

/** Writes both into a folder of the test's own, and gives their paths. */
export function certificateFiles(): { cert: string; key: string } {
  const folder = scratchFolder();
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}
