/** What a test file changes in its process is put back for the files that share it. */
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, vi } from 'vitest';

const trusted = getCACertificates('default');

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  if (getCACertificates('default') !== trusted) setDefaultCACertificates(trusted);
});
