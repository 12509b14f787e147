/**
 * Certificates and their keys for tests alone, self-signed for `localhost` until 2126. The keys are public: nothing may
 * trust them. Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj
 * /CN=localhost -addext subjectAltName=DNS:localhost`.
 */

/** A certificate, in PEM. */
export const cert = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUKE9OSgy/O9D3PUEZSXmkZis3UdswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA2MzUzMVoYDzIxMjYxMDI4
MDYzNTMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARBT1BCLZ0YyLO18RDG9CcdpPFpnJIYSUnlEQRjItqbfpNsWGK4wxW0
vPDw3hlfqeSGfqHWf14/cyIMcK1Bq7vpo2kwZzAdBgNVHQ4EFgQUlTV2A4PnVVRV
IX7xT3QHuK6UZPgwHwYDVR0jBBgwFoAUlTV2A4PnVVRVIX7xT3QHuK6UZPgwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhALdzHxONaY0NmDkF266rPU/3VItWwZgTrWDAlMXWyqfbAiEAlxmVMxPD
+yRilUFHodpH96k0AirF+2glsToEryvc6q8=
-----END CERTIFICATE-----
`;

/** Its private key, in PEM. */
export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdJcnswKl889PTbfO
0MHQxGEy5EA8X+UcvIG9FZj4XtGhRANCAARBT1BCLZ0YyLO18RDG9CcdpPFpnJIY
SUnlEQRjItqbfpNsWGK4wxW0vPDw3hlfqeSGfqHWf14/cyIMcK1Bq7vp
-----END PRIVATE KEY-----
`;

/** Another certificate, for `renewed.test` too, made likewise, */
export const renewedCert = `-----BEGIN CERTIFICATE-----
MIIBojCCAUmgAwIBAgIUAVIaAWDy1g18SkT0LnX1iFOYTkowCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEwMzA0NFoYDzIxMjYxMDI4
MTAzMDQ0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASzpx15mTIXcHrxmunElrXF9w8+i+YWEsfu3hpKhwJV/OJ+8sJKOP9l
I4KPtbaiI5RDRj1hvaU6VUSebXeuovHZo3cwdTAdBgNVHQ4EFgQUBXDHlp7Qp6e3
VjhqK7phQyOldKMwHwYDVR0jBBgwFoAUBXDHlp7Qp6e3VjhqK7phQyOldKMwDwYD
VR0TAQH/BAUwAwEB/zAiBgNVHREEGzAZgglsb2NhbGhvc3SCDHJlbmV3ZWQudGVz
dDAKBggqhkjOPQQDAgNHADBEAiAOzQoPsf78xeR3xEEIzu2PGj8j7eXcMs5pNYbE
VNGdYQIgVmmxcw9bc+Odhr1mNRoa9AWhi6U3C70lXdPQWtKTAq8=
-----END CERTIFICATE-----
`;

/** and its key. */
export const renewedKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+z4aWpCut+1YcwKn
QD6AQFt1OA6oV9MG/V5KaBcvn3GhRANCAASzpx15mTIXcHrxmunElrXF9w8+i+YW
Esfu3hpKhwJV/OJ+8sJKOP9lI4KPtbaiI5RDRj1hvaU6VUSebXeuovHZ
-----END PRIVATE KEY-----
`;
