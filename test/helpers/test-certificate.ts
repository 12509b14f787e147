/**
 * A certificate and its key for tests alone, self-signed for `localhost` until 2126. The key is public: nothing may trust it.
 * Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost
 * -addext subjectAltName=DNS:localhost`.
 */

/** The certificate, in PEM. */
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
