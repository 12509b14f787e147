/** The certificate of the public port while Sluice runs. */
import { expect, test } from 'vitest';
import { Certificate } from '../../src/config/live/certificate.ts';
import { ConfigMapVolume } from '../helpers/config-map.ts';
import { LogLines } from '../helpers/log-lines.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { cert, key, renewedCert, renewedKey } from '../helpers/test-certificate.ts';

test('one with which TLS cannot be spoken as flags want it is told of, and the one before stays', async () => {
  const secret = new ConfigMapVolume(scratchFolder());
  secret.swap({ 'tls.crt': cert, 'tls.key': key });
  const files = { cert: secret.path('tls.crt'), key: secret.path('tls.key'), certificates: [], clients: null };
  const used: string[] = [];
  const { log, all } = new LogLines();
  const opened = await Certificate.open(files, log, (credentials) => {
    if (used.length > 0) throw new Error('ee key too small');
    used.push(String(credentials.cert));
  });
  if ('problem' in opened) throw new Error(opened.problem);
  secret.swap({ 'tls.crt': renewedCert, 'tls.key': renewedKey });
  await opened.value.follow(files);
  opened.value.close();
  expect(used).toEqual([cert]);
  expect(all.filter(({ event }) => event === 'tls_rejected')).toMatchObject([
    { problem: expect.stringContaining('cannot be used: ee key too small') },
  ]);
});

test('one that cannot be used so at the start is a problem, in words', async () => {
  const secret = new ConfigMapVolume(scratchFolder());
  secret.swap({ 'tls.crt': cert, 'tls.key': key });
  const files = { cert: secret.path('tls.crt'), key: secret.path('tls.key'), certificates: [], clients: null };
  const { log } = new LogLines();
  const opened = await Certificate.open(files, log, () => {
    throw new Error('ee key too small');
  });
  expect(opened).toEqual({ problem: expect.stringContaining('cannot be used: ee key too small') });
});
