/* Sec-WebSocket-Accept: base64(SHA-1(key + GUID)), RFC 6455 §4.2.2 with SHA-1 after RFC 3174. */
#ifndef BENCH_ACCEPT_H
#define BENCH_ACCEPT_H

#include <stdint.h>
#include <string.h>

static inline uint32_t rotate_left(uint32_t v, int bits) { return (v << bits) | (v >> (32 - bits)); }

static inline void sha1_block(uint32_t h[5], const uint8_t *p) {
  uint32_t w[80];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
  for (int i = 16; i < 80; i++) w[i] = rotate_left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
  for (int i = 0; i < 80; i++) {
    const uint32_t f = i < 20 ? ((b & c) | (~b & d)) : i < 40 ? (b ^ c ^ d)
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) : (b ^ c ^ d);
    const uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
    const uint32_t t = rotate_left(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = rotate_left(b, 30);
    b = a;
    a = t;
  }
  h[0] += a;
  h[1] += b;
  h[2] += c;
  h[3] += d;
  h[4] += e;
}

/* `key` is at most 64 characters; `out` receives 28 characters and a NUL. */
static inline void accept_value(const char *key, char out[29]) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t data[192] = {0};
  size_t n = strlen(key);
  memcpy(data, key, n);
  memcpy(data + n, guid, sizeof guid - 1);
  n += sizeof guid - 1;
  const size_t blocks = (n + 9 + 63) / 64;
  data[n] = 0x80;
  for (int i = 0; i < 8; i++) data[blocks * 64 - 1 - i] = (uint64_t)n * 8 >> (8 * i);
  uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (size_t i = 0; i < blocks; i++) sha1_block(h, data + 64 * i);
  uint8_t digest[21] = {0};
  for (int i = 0; i < 20; i++) digest[i] = h[i / 4] >> (24 - 8 * (i % 4));
  for (int i = 0; i < 7; i++) {
    const uint32_t v = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int j = 0; j < 4; j++) out[4 * i + j] = digits[v >> (18 - 6 * j) & 63];
  }
  out[27] = '=';
  out[28] = 0;
}

#endif
