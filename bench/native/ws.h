/*
 * What the load generator and the backend share: frames in, frames out, and the handshake's digest.
 * Payload content is fixed (BLOCK repeated), so a message of any size is sent from one small block of memory.
 */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };
enum { BLOCK_SIZE = 256 * 1024, READ_SIZE = 256 * 1024 };

static const uint8_t MASK_KEY[4] = {0x37, 0xfa, 0x21, 0x3d};

/* The payload as it stands on the wire: plain from the server, masked with MASK_KEY from the client. */
static uint8_t plain_block[BLOCK_SIZE];
static uint8_t masked_block[BLOCK_SIZE];

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline void mask(uint8_t *out, const uint8_t *in, size_t n, const uint8_t key[4], uint64_t offset) {
  uint8_t rotated[4];
  for (int i = 0; i < 4; i++) rotated[i] = key[(offset + i) & 3];
  uint32_t word;
  memcpy(&word, rotated, 4);
  const uint64_t pair = ((uint64_t)word << 32) | word;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t v;
    memcpy(&v, in + i, 8);
    v ^= pair;
    memcpy(out + i, &v, 8);
  }
  for (; i < n; i++) out[i] = in[i] ^ rotated[i & 3];
}

/* Printable ASCII, so that the block is valid as text too. */
static inline void fill_blocks(void) {
  for (size_t i = 0; i < BLOCK_SIZE; i++) plain_block[i] = 'a' + (i * 7 + i / 251) % 26;
  mask(masked_block, plain_block, BLOCK_SIZE, MASK_KEY, 0);
}

static inline int write_header(uint8_t *out, bool fin, int opcode, uint64_t length, bool masked) {
  int n = 2;
  out[0] = (fin ? 0x80 : 0) | opcode;
  if (length < 126) {
    out[1] = length;
  } else if (length < 65536) {
    out[1] = 126;
    out[2] = length >> 8;
    out[3] = length;
    n = 4;
  } else {
    out[1] = 127;
    for (int i = 0; i < 8; i++) out[2 + i] = length >> (56 - 8 * i);
    n = 10;
  }
  if (masked) {
    out[1] |= 0x80;
    memcpy(out + n, MASK_KEY, 4);
    n += 4;
  }
  return n;
}

/* Reading: feed() takes bytes and says what stood first among them. */
struct reader {
  uint8_t header[14];
  int have;
  uint64_t length, left; /* of the current frame's payload */
  uint8_t key[4];
  int opcode;
  bool fin, masked, in_payload;
};

enum event { NEED_MORE, FRAME_BEGIN, PAYLOAD, FRAME_END };

/* Consumes at most n bytes and sets *used. After FRAME_BEGIN the payload follows; FRAME_END consumes nothing. */
static inline enum event feed(struct reader *r, const uint8_t *p, size_t n, size_t *used) {
  *used = 0;
  if (r->in_payload) {
    if (r->left == 0) {
      r->in_payload = false;
      r->have = 0;
      return FRAME_END;
    }
    if (n == 0) return NEED_MORE;
    *used = n < r->left ? n : (size_t)r->left;
    r->left -= *used;
    return PAYLOAD;
  }
  for (;;) {
    int need = 2;
    if (r->have >= 2) {
      const int short_length = r->header[1] & 0x7f;
      need += (short_length == 126 ? 2 : short_length == 127 ? 8 : 0) + (r->header[1] & 0x80 ? 4 : 0);
      if (r->have == need) {
        int at = 2;
        uint64_t length = short_length;
        if (short_length >= 126) {
          const int bytes = short_length == 126 ? 2 : 8;
          length = 0;
          for (int i = 0; i < bytes; i++) length = (length << 8) | r->header[at++];
        }
        r->masked = r->header[1] & 0x80;
        if (r->masked) memcpy(r->key, r->header + at, 4);
        r->fin = r->header[0] & 0x80;
        r->opcode = r->header[0] & 0x0f;
        r->length = r->left = length;
        r->in_payload = true;
        return FRAME_BEGIN;
      }
    }
    if (*used == n) return NEED_MORE;
    r->header[r->have++] = p[(*used)++];
  }
}

/*
 * Throws away payload that would fill a whole buffer, without copying it out of the kernel. 0 where it does not apply.
 */
static inline ssize_t discard(int fd, struct reader *r) {
  if (!r->in_payload || r->left < READ_SIZE) return 0;
  const ssize_t n = recv(fd, NULL, r->left, MSG_TRUNC);
  if (n > 0) r->left -= n;
  return n;
}

/* Writing: one message of BLOCK content, cut into frames of at most `fragment` bytes. */
struct writer {
  uint8_t header[14];
  int header_length, header_sent;
  uint64_t frame_length, frame_left, message_left, fragment;
  bool masked, first, busy;
};

static inline void next_frame(struct writer *w) {
  const uint64_t length = w->message_left < w->fragment ? w->message_left : w->fragment;
  w->message_left -= length;
  w->frame_length = w->frame_left = length;
  w->header_length = write_header(w->header, w->message_left == 0, w->first ? OP_BINARY : OP_CONTINUATION, length, w->masked);
  w->header_sent = 0;
  w->first = false;
}

static inline void begin_message(struct writer *w, uint64_t size, uint64_t fragment, bool masked) {
  w->message_left = size;
  w->fragment = fragment ? fragment : size;
  w->masked = masked;
  w->first = w->busy = true;
  next_frame(w);
}

/* Sends until the message is out (1), the socket is full (0), or the peer is gone (-1). */
static inline int pump(int fd, struct writer *w) {
  const uint8_t *block = w->masked ? masked_block : plain_block;
  while (w->busy) {
    /* The block's length is a multiple of 4, so the mask keeps its phase. */
    const size_t at = (w->frame_length - w->frame_left) % BLOCK_SIZE;
    const size_t chunk = w->frame_left < BLOCK_SIZE - at ? (size_t)w->frame_left : BLOCK_SIZE - at;
    struct iovec parts[2] = {
      {w->header + w->header_sent, (size_t)(w->header_length - w->header_sent)},
      {(void *)(block + at), chunk},
    };
    const ssize_t n = writev(fd, parts, 2);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    const size_t of_header = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
    w->header_sent += of_header;
    w->frame_left -= n - of_header;
    if (w->header_sent < w->header_length || w->frame_left > 0) continue;
    if (w->message_left > 0) next_frame(w);
    else w->busy = false;
  }
  return 1;
}

static inline void set_up_process(void) {
  signal(SIGPIPE, SIG_IGN); /* a peer that left is an error of writev, not the end of the measurement */
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

static inline void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static inline struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

#endif
