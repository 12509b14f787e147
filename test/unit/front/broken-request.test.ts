import { expect, test } from 'vitest';
import { judgeBrokenRequest, judgeTlsFailure } from '../../../src/front/broken-request.ts';

const error = (code?: string) => Object.assign(new Error('Parse Error'), code === undefined ? {} : { code });

test.each([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
  ['ERR_MEMORY', 'memory'],
  ['HPE_INVALID_EOF_STATE', 'client_gone'],
  ['HPE_INVALID_HEADER_TOKEN', 'bad_request'],
])('%s is %s', (code, outcome) => {
  expect(judgeBrokenRequest(error(code))).toMatchObject({ outcome });
});

test.each(['ECONNRESET', undefined])('%s is the end of a connection, not a request', (code) => {
  expect(judgeBrokenRequest(error(code))).toBeNull();
});

test('a TLS handshake that fails says why', () => {
  expect(judgeTlsFailure(error('ERR_SSL_HTTP_REQUEST'))).toMatchObject({
    outcome: 'tls_failed',
    detail: expect.stringContaining('plain HTTP'),
  });
  expect(judgeTlsFailure(error('ERR_SSL_SOMETHING'))?.detail).toBe('ERR_SSL_SOMETHING');
});

test.each(['ECONNRESET', 'ERR_TLS_HANDSHAKE_TIMEOUT', undefined])(
  '%s is no failed TLS handshake but a probe',
  (code) => {
    expect(judgeTlsFailure(error(code))).toBeNull();
  },
);
