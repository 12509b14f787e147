/** Secrets and ConfigMaps that somebody else has made, for values that name them. */
import { createHash } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { clientCa, revokedList, wild } from '../helpers/client-ca.ts';
import { cert, key } from '../helpers/test-certificate.ts';
import { newSigner, setText, tokenOf } from '../unit/admission/auth/tokens.ts';

/** What the hub and its proxy have in common. */
export const tokenOfTheHub = 'token-of-the-hub-and-its-proxy';

/** A token of the program `ci`. */
export const tokenOfCi = 'token-of-ci';

const issuer = newSigner('issuer');
/** A token of the user `ann`. */
export const tokenOfTheIssuer = tokenOf(issuer, {
  iss: 'https://id.example.org',
  aud: 'apps',
  exp: Math.floor(Date.now() / 1000) + 3600,
});

const users = ['bert', 'eve'].map((name) => `${name}:${hashSync('pass', 4)}\n`).join('');
const tokens = `ci:sha256:${createHash('sha256').update(tokenOfCi).digest('hex')}\n`;

export const existing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'example-tls': { 'tls.crt': cert, 'tls.key': key },
  'wild-tls': { 'tls.crt': wild.cert, 'tls.key': wild.key },
  'client-authorities': { 'ca.crt': clientCa, 'clients.crl': revokedList },
  workshop: { users, tokens, revoked: 'eve\n' },
  'hub-service': { token: 'token-of-the-service' },
  'issuer-keys': { 'jwks.json': setText(issuer) },
  'message-schemas': { 'file.json': '{"type": "object", "required": ["filename"]}' },
  hub: { 'hub.config.ConfigurableHTTPProxy.auth_token': tokenOfTheHub },
  'redis-users': { sluice: 'password-of-the-store' },
  'sluice-token': { 'admin-token': 'existing-token-of-somebody' },
};
