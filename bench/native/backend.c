/*
 * The upstream of every measurement: one thread, epoll. Prints its port and ends when its stdin does.
 *   path /echo   every data frame comes back, unmasked
 *   path /bulk   binary messages are counted and thrown away; the text "count" is answered with "MESSAGES BYTES"
 *                since the last count; the text "send SIZE FRAGMENT" with one binary message
 * Requests that ask for no WebSocket are answered over connections that stay open:
 *   path /bytes/N with N bytes; any other path, when the request's body has come, with its length in decimal
 */
#include "ws.h"
#include "accept.h"
#include <ctype.h>

enum { HEAD_SIZE = 70 * 1024, MAX_FDS = 65536, BATCH = 64 };

struct connection {
  char *head; /* the request so far; NULL once upgraded */
  size_t head_length;
  bool echo, wants_out;
  struct reader reader;
  uint8_t *out; /* echo: bytes the socket has not taken yet */
  size_t out_length, out_sent, out_capacity;
  char command[64];
  size_t command_length;
  int message_opcode;
  uint64_t messages, bytes, to_send, send_size, send_fragment;
  struct writer writer;
  /* Of plain HTTP: what still comes in, its whole length, what still goes out. */
  uint64_t body_left, body_size, answer_left;
  bool in_body;
};

static struct connection *connections[MAX_FDS];
static uint8_t buffer[READ_SIZE];
static int poller;

static void drop(int fd) {
  struct connection *c = connections[fd];
  free(c->head);
  free(c->out);
  free(c);
  connections[fd] = NULL;
  close(fd);
}

static void watch(int fd, struct connection *c, bool out) {
  if (out == c->wants_out) return;
  c->wants_out = out;
  /* A full socket stops the reading, so a backend's memory stays as small as a real one's should. */
  struct epoll_event event = {.events = out ? EPOLLOUT : EPOLLIN, .data.fd = fd};
  epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
}

static void append(struct connection *c, const uint8_t *p, size_t n) {
  if (c->out_length + n > c->out_capacity) {
    c->out_capacity = (c->out_length + n) * 2;
    c->out = realloc(c->out, c->out_capacity);
    if (!c->out) die("realloc");
  }
  memcpy(c->out + c->out_length, p, n);
  c->out_length += n;
}

static void append_text(struct connection *c, const char *text) {
  uint8_t header[14];
  const size_t n = strlen(text);
  append(c, header, write_header(header, true, OP_TEXT, n, false));
  append(c, (const uint8_t *)text, n);
}

/* Sends a block of the body of a plain answer; false where the peer is gone. An echo waits for no more than that. */
static bool flush_answer(int fd, struct connection *c) {
  if (c->answer_left == 0) return true;
  const ssize_t n = send(fd, plain_block, c->answer_left < BLOCK_SIZE ? c->answer_left : BLOCK_SIZE, 0);
  if (n < 0) return errno == EAGAIN;
  c->answer_left -= n;
  return true;
}

static bool flush(int fd, struct connection *c) {
  for (;;) {
    if (c->writer.busy) { /* a message under way goes before anything queued after it */
      const int done = pump(fd, &c->writer);
      if (done < 0) return false;
      if (done == 0) break;
    }
    if (c->out_sent < c->out_length) {
      const ssize_t n = send(fd, c->out + c->out_sent, c->out_length - c->out_sent, 0);
      if (n < 0 && errno != EAGAIN) return false;
      if (n < 0) break;
      c->out_sent += n;
      continue;
    }
    c->out_sent = c->out_length = 0;
    if (!flush_answer(fd, c)) return false;
    if (c->to_send == 0 || c->answer_left > 0) break;
    c->to_send--;
    begin_message(&c->writer, c->send_size, c->send_fragment, false);
  }
  watch(fd, c, c->writer.busy || c->out_sent < c->out_length || c->answer_left > 0);
  return true;
}

static void run_command(struct connection *c) {
  c->command[c->command_length] = 0;
  c->command_length = 0;
  unsigned long long size, fragment;
  if (strcmp(c->command, "count") == 0) {
    char text[64];
    snprintf(text, sizeof text, "%llu %llu", (unsigned long long)c->messages, (unsigned long long)c->bytes);
    c->messages = c->bytes = 0;
    append_text(c, text);
  } else if (sscanf(c->command, "send %llu %llu", &size, &fragment) == 2) {
    c->send_size = size;
    c->send_fragment = fragment;
    c->to_send++;
  }
}

/* One event of the reader. Answers pings and closes like any server. */
static void on_event(struct connection *c, enum event event, uint8_t *p, size_t n) {
  struct reader *r = &c->reader;
  uint8_t header[14];
  const bool control = r->opcode >= OP_CLOSE;
  if (event == FRAME_BEGIN) {
    if (control) append(c, header, write_header(header, true, r->opcode == OP_PING ? OP_PONG : r->opcode, r->length, false));
    else if (c->echo) append(c, header, write_header(header, r->fin, r->opcode, r->length, false));
    if (!control && r->opcode != OP_CONTINUATION) c->message_opcode = r->opcode;
  } else if (event == PAYLOAD) {
    const uint64_t offset = r->length - r->left - n;
    if (control || c->echo) {
      mask(p, p, n, r->key, offset);
      append(c, p, n);
    } else if (c->message_opcode == OP_TEXT) {
      mask(p, p, n, r->key, offset);
      if (c->command_length + n < sizeof c->command) {
        memcpy(c->command + c->command_length, p, n);
        c->command_length += n;
      }
    }
  } else if (event == FRAME_END && !control && !c->echo) {
    if (c->message_opcode == OP_BINARY) c->bytes += r->length;
    if (!r->fin) return;
    if (c->message_opcode == OP_BINARY) c->messages++;
    else run_command(c);
  }
}

static void upgrade(struct connection *c, const char *key) {
  char value[29], answer[256];
  c->echo = strncmp(c->head, "GET /echo", 9) == 0;
  accept_value(key, value);
  const int n = snprintf(answer, sizeof answer,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", value);
  free(c->head);
  c->head = NULL;
  append(c, (const uint8_t *)answer, n);
}

static void answer_head(struct connection *c, uint64_t length) {
  char text[160];
  const int n = snprintf(text, sizeof text,
    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)length);
  append(c, (const uint8_t *)text, n);
}

static void answer_body(struct connection *c) {
  char text[24];
  const int n = snprintf(text, sizeof text, "%llu", (unsigned long long)c->body_size);
  answer_head(c, n);
  append(c, (const uint8_t *)text, n);
}

/* A plain request whose head is complete; `rest` bytes of its body came with it. */
static bool begin_plain(struct connection *c, size_t rest) {
  unsigned long long length = 0;
  const char *field = strcasestr(c->head, "\r\ncontent-length:");
  if (strcasestr(c->head, "\r\ntransfer-encoding:")) return false;
  if (field && sscanf(field + 17, " %llu", &length) != 1) return false;
  if (rest > length) return false;
  c->head_length = 0;
  if (length == 0 && sscanf(c->head, "%*s /bytes/%llu", &length) == 1) {
    answer_head(c, length);
    c->answer_left = length;
    return true;
  }
  c->body_size = length;
  c->body_left = length - rest;
  c->in_body = c->body_left > 0;
  if (!c->in_body) answer_body(c);
  return true;
}

/* The bytes of a body are dropped in the kernel. */
static bool read_body(int fd, struct connection *c) {
  const ssize_t n = recv(fd, NULL, c->body_left, MSG_TRUNC);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  c->body_left -= n;
  if (c->body_left > 0) return true;
  c->in_body = false;
  answer_body(c);
  return flush(fd, c);
}

static bool read_head(int fd, struct connection *c) {
  if (c->in_body) return read_body(fd, c);
  /* A client sends nothing before our 101, so what follows the blank line is never a frame. */
  const ssize_t n = recv(fd, c->head + c->head_length, HEAD_SIZE - 1 - c->head_length, 0);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  c->head_length += n;
  c->head[c->head_length] = 0;
  const char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return c->head_length < HEAD_SIZE - 1;
  char key[65] = "";
  const char *name = strcasestr(c->head, "\r\nsec-websocket-key:");
  if (name) sscanf(name + 20, " %64[^ \r\n]", key);
  if (*key) upgrade(c, key);
  else if (!begin_plain(c, c->head + c->head_length - (end + 4))) return false;
  return flush(fd, c);
}

static bool read_frames(int fd, struct connection *c) {
  ssize_t n = c->echo ? 0 : discard(fd, &c->reader);
  if (n < 0) return errno == EAGAIN;
  if (n == 0) {
    n = recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
  } else {
    n = 0;
  }
  size_t used;
  enum event event;
  for (uint8_t *p = buffer; (event = feed(&c->reader, p, n, &used)) != NEED_MORE; p += used, n -= used)
    on_event(c, event, p, used);
  return flush(fd, c);
}

static void accept_all(int listener) {
  for (;;) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= MAX_FDS) {
      close(fd);
      continue;
    }
    no_delay(fd);
    struct connection *c = connections[fd] = calloc(1, sizeof *c);
    if (!c || !(c->head = malloc(HEAD_SIZE))) die("malloc");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
  }
}

int main(void) {
  fill_blocks();
  set_up_process();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  event.data.fd = STDIN_FILENO;
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event);

  struct epoll_event events[BATCH];
  for (;;) {
    const int n = epoll_wait(poller, events, BATCH, -1);
    /* Echoes first: how long one takes beside other work shall be the proxy's doing. */
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < n; i++) {
        const int fd = events[i].data.fd;
        if (fd == STDIN_FILENO) return 0;
        if (fd == listener) {
          if (pass == 1) accept_all(listener);
          continue;
        }
        struct connection *c = connections[fd];
        if (!c || c->echo != (pass == 0)) continue;
        bool alive;
        if (events[i].events & EPOLLOUT) alive = flush(fd, c);
        else alive = c->head ? read_head(fd, c) : read_frames(fd, c);
        if (!alive) drop(fd);
      }
    }
  }
}
