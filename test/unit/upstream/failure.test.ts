import { describe, expect, test } from 'vitest';
import { handshakeOutcomes, httpOutcomes } from '../../../src/catalogue/outcomes.ts';
import {
  blameOf,
  type ConnectProblem,
  classifyConnectError,
  classifyTlsError,
  describeTlsError,
  isTlsError,
  outcomeOf,
} from '../../../src/upstream/failure.ts';

const error = (code: string, message = code, more = {}) => Object.assign(new Error(message), { code, ...more });

describe('an error of connecting', () => {
  test.each([
    ['ECONNREFUSED', 'connect_refused'],
    ['ETIMEDOUT', 'connect_timeout'],
    ['ENOTFOUND', 'dns'],
    ['EAI_AGAIN', 'dns'],
    ['ECONNRESET', 'reset'],
    ['EMFILE', 'descriptors'],
    ['ENFILE', 'descriptors'],
    ['EHOSTUNREACH', 'other'],
    ['ENETUNREACH', 'other'],
    ['EADDRNOTAVAIL', 'other'],
  ])('%s is %s', (code, problem) => {
    expect(classifyConnectError(error(code))).toBe(problem);
  });

  test('without a code is another one', () => {
    expect(classifyConnectError(new Error('odd'))).toBe('other');
  });
});

describe('an error of TLS', () => {
  test.each(['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'EPROTO'])('%s', (code) => {
    expect(isTlsError(error(code))).toBe(true);
    expect(classifyTlsError(error(code))).toBe('tls');
  });

  test('in its handshake is whatever is none of the connection', () => {
    expect(classifyTlsError(error('CERT_HAS_EXPIRED'))).toBe('tls');
    expect(classifyTlsError(new Error('odd'))).toBe('tls');
    expect(classifyTlsError(error('ECONNRESET'))).toBe('reset');
    expect(classifyTlsError(error('ETIMEDOUT'))).toBe('connect_timeout');
    expect(isTlsError(error('ECONNRESET'))).toBe(false);
  });

  test("is told without Node's advice and OpenSSL's source lines, and with what to change", () => {
    const selfSigned =
      'self-signed certificate; if the root CA is installed locally, try running Node.js with --use-system-ca';
    expect(describeTlsError(error('DEPTH_ZERO_SELF_SIGNED_CERT', selfSigned))).toBe(
      'TLS: self-signed certificate; name the CA in upstream_tls.ca',
    );
    expect(
      describeTlsError(
        error('ERR_SSL_WRONG_VERSION_NUMBER', '40C7:error:0A00010B:../ssl3_record.c', {
          reason: 'wrong version number',
        }),
      ),
    ).toBe('TLS: wrong version number; it may speak plain HTTP: write http:// in upstream');
    // The reason alone would not say which name.
    expect(describeTlsError(error('ERR_TLS_CERT_ALTNAME_INVALID', 'h is not in x', { reason: 'x' }))).toBe(
      'TLS: h is not in x; name what the certificate holds in upstream_tls.server_name',
    );
    expect(describeTlsError(error('ERR_SSL_ODD', 'odd'))).toBe('TLS: odd');
  });
});

test('each problem ends a handshake and an HTTP request alike, in the same words', () => {
  for (const outcome of Object.values(outcomeOf)) expect(handshakeOutcomes[outcome]).toEqual(httpOutcomes[outcome]);
});

test('what Sluice lacks itself is not blamed on the upstream', () => {
  const blameless: readonly ConnectProblem[] = ['descriptors', 'busy', 'aborted'];
  for (const problem of blameless) expect(blameOf(problem)).toBeNull();
  expect(blameOf('tls')).toBe('tls');
});
