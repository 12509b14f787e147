/*
 * The clients of every measurement of WebSockets: one thread, epoll, closed loop.
 *   load PORT PATH CONNECTIONS SIZE FRAGMENT      FRAGMENT 0 sends a message as one frame
 * Opens its connections, prints "ready N", then obeys one command per line of stdin, each answered with a line of JSON:
 *   echo SECONDS   one message at a time per connection, each compared with what comes back; latencies
 *   up SECONDS     messages as fast as the socket takes them, then the backend is asked what arrived
 *   beat SECONDS   as echo, each connection every 20 ms at most: how long a message takes beside other work
 *   down SECONDS   the backend sends; four messages are on order per connection
 * With 0 seconds each connection does one message. Ends when stdin does.
 */
#include "ws.h"
#include "latency.h"

enum { BEAT_MS = 20, DOWN_WINDOW = 4, UP_BURST = 4, GRACE_SECONDS = 10 };
enum mode { ECHO, UP, DOWN };

struct connection {
  int fd; /* -1 once closed */
  bool wants_out, done, counting, rests;
  struct reader reader;
  struct writer writer;
  uint8_t pending[512]; /* commands and pongs, which go out between two messages */
  size_t pending_length;
  char text[64];
  size_t text_length;
  uint8_t ping[125];
  int message_opcode, on_order;
  uint64_t offset; /* within the message being received */
  uint64_t started_ns;
};

static struct connection *connections;
static int connection_count, poller, open_count, done_count;
static uint64_t size, fragment, deadline_ns, message_count, byte_count;
static enum mode mode;
static bool once, paced;
static uint8_t buffer[READ_SIZE];

static void finish(struct connection *c) {
  if (!c->done) done_count++;
  c->done = true;
}

static void drop(struct connection *c) {
  finish(c);
  close(c->fd);
  c->fd = -1;
  open_count--;
}

static void queue_frame(struct connection *c, int opcode, const uint8_t *payload, size_t n) {
  if (c->pending_length + n + 14 > sizeof c->pending) return;
  uint8_t *out = c->pending + c->pending_length;
  const int header = write_header(out, true, opcode, n, true);
  mask(out + header, payload, n, MASK_KEY, 0);
  c->pending_length += header + n;
}

static void queue_text(struct connection *c, const char *text) {
  queue_frame(c, OP_TEXT, (const uint8_t *)text, strlen(text));
}

static void order(struct connection *c) {
  char text[64];
  snprintf(text, sizeof text, "send %llu %llu", (unsigned long long)size, (unsigned long long)fragment);
  queue_text(c, text);
  c->on_order++;
}

/* Sends what there is to send. In `up` mode a connection that has sent a message begins the next. */
static bool push(struct connection *c) {
  for (int burst = 0;;) {
    if (c->writer.busy) {
      const int sent = pump(c->fd, &c->writer);
      if (sent < 0) return false;
      if (sent == 0) break;
    }
    if (c->pending_length > 0) {
      const ssize_t n = send(c->fd, c->pending, c->pending_length, 0);
      if (n < 0 && errno != EAGAIN) return false;
      if (n < 0) break;
      c->pending_length -= n;
      memmove(c->pending, c->pending + n, c->pending_length);
      continue;
    }
    if (mode != UP || c->done || c->counting) break;
    if (once || now_ns() >= deadline_ns) {
      c->counting = true;
      queue_text(c, "count");
      continue;
    }
    if (burst++ == UP_BURST) break; /* the others want their turn */
    begin_message(&c->writer, size, fragment, true);
  }
  const bool out = c->writer.busy || c->pending_length > 0 || (mode == UP && !c->done && !c->counting);
  if (out != c->wants_out) {
    c->wants_out = out;
    struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
  }
  return true;
}

/* Beats that were due while an echo was under way would have waited as well, each for what was left of it. */
static void record_missed(uint64_t ns) {
  const uint64_t beat = BEAT_MS * 1000000ull;
  while (ns > beat) record(ns -= beat);
}

static void on_message(struct connection *c) {
  const bool more = !once && now_ns() < deadline_ns;
  if (c->message_opcode == OP_TEXT) { /* the answer to "count" */
    unsigned long long messages, bytes;
    c->text[c->text_length] = 0;
    c->text_length = 0;
    if (sscanf(c->text, "%llu %llu", &messages, &bytes) != 2) return;
    message_count += messages;
    byte_count += bytes;
    finish(c);
    return;
  }
  message_count++;
  byte_count += c->offset;
  if (mode == ECHO) {
    const uint64_t now = now_ns();
    record(now - c->started_ns);
    if (paced) record_missed(now - c->started_ns);
    if (more && paced) {
      c->rests = true;
      return;
    }
    c->started_ns = now;
    if (more) begin_message(&c->writer, size, fragment, true);
    else finish(c);
  } else if (mode == DOWN) {
    c->on_order--;
    if (more) order(c);
    else if (c->on_order == 0) finish(c);
  }
}

/* False where the peer sent something it should not have. */
static bool on_event(struct connection *c, enum event event, uint8_t *p, size_t n) {
  struct reader *r = &c->reader;
  const bool control = r->opcode >= OP_CLOSE;
  if (event == FRAME_BEGIN) {
    if (r->masked || r->opcode == OP_CLOSE) return false;
    if (!control && r->opcode != OP_CONTINUATION) {
      c->message_opcode = r->opcode;
      c->offset = 0;
    }
  } else if (event == PAYLOAD) {
    const uint64_t offset = r->length - r->left - n;
    if (control) {
      if (r->length <= sizeof c->ping) memcpy(c->ping + offset, p, n);
    } else if (c->message_opcode == OP_TEXT) {
      if (c->text_length + n >= sizeof c->text) return false;
      memcpy(c->text + c->text_length, p, n);
      c->text_length += n;
    } else if (mode == ECHO && r->length <= BLOCK_SIZE && memcmp(p, plain_block + offset, n) != 0) {
      fprintf(stderr, "an echo differs from what was sent\n");
      return false;
    }
  } else if (event == FRAME_END) {
    if (r->opcode == OP_PING) queue_frame(c, OP_PONG, c->ping, r->length);
    if (control) return true;
    c->offset += r->length;
    if (r->fin) on_message(c);
  }
  return true;
}

static bool pull(struct connection *c) {
  ssize_t n = mode == ECHO ? 0 : discard(c->fd, &c->reader);
  if (n < 0) return errno == EAGAIN;
  if (n == 0) {
    n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n <= 0) return n < 0 && errno == EAGAIN;
  } else {
    n = 0;
  }
  size_t used;
  enum event event;
  for (uint8_t *p = buffer; (event = feed(&c->reader, p, n, &used)) != NEED_MORE; p += used, n -= used)
    if (!on_event(c, event, p, used)) return false;
  return push(c);
}

/* Whoever has rested long enough sends its next message; returns the milliseconds until another has. */
static int wake(void) {
  const uint64_t now = now_ns();
  int left_ms = BEAT_MS;
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    if (c->fd < 0 || !c->rests) continue;
    const uint64_t due = c->started_ns + BEAT_MS * 1000000ull;
    if (now < due) {
      const int ms = (due - now) / 1000000 + 1;
      if (ms < left_ms) left_ms = ms;
      continue;
    }
    c->rests = false;
    c->started_ns = now;
    begin_message(&c->writer, size, fragment, true);
    if (!push(c)) drop(c);
  }
  return left_ms;
}

static void run(double seconds) {
  memset(histogram, 0, sizeof histogram);
  message_count = byte_count = 0;
  done_count = connection_count - open_count;
  once = seconds == 0;
  const uint64_t began = now_ns();
  deadline_ns = began + (uint64_t)(seconds * 1e9);
  const uint64_t give_up = deadline_ns + GRACE_SECONDS * 1000000000ull;
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    if (c->fd < 0) continue;
    c->done = c->counting = c->rests = false;
    c->on_order = 0;
    c->started_ns = now_ns();
    if (mode == ECHO || (mode == UP && once)) begin_message(&c->writer, size, fragment, true);
    if (mode == DOWN) for (int k = 0; k < (once ? 1 : DOWN_WINDOW); k++) order(c);
    if (!push(c)) drop(c);
  }
  struct epoll_event events[256];
  uint64_t now = now_ns();
  while (done_count < connection_count && now < give_up) {
    const int patience_ms = (give_up - now) / 1000000 + 1;
    const int n = epoll_wait(poller, events, 256, paced ? wake() : patience_ms);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      const bool readable = events[i].events & ~EPOLLOUT;
      if (!(readable ? pull(c) : push(c))) drop(c);
    }
    now = now_ns();
  }
  report((now - began) / 1e9, message_count, byte_count, connection_count - done_count, connection_count - open_count);
}

static int open_one(int port, const char *path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = loopback(port);
  const struct timeval patience = {.tv_sec = 10};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (const struct sockaddr *)&address, sizeof address)) die("connect");
  no_delay(fd);
  char text[4096];
  const int length = snprintf(text, sizeof text,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, port);
  if (send(fd, text, length, 0) != length) die("send");
  size_t have = 0;
  do {
    const ssize_t n = recv(fd, text + have, sizeof text - 1 - have, 0);
    if (n <= 0) die("handshake");
    have += n;
    text[have] = 0;
  } while (!strstr(text, "\r\n\r\n"));
  /* The answer that RFC 6455 §1.3 gives for this key. */
  if (strncmp(text, "HTTP/1.1 101", 12) != 0 || !strstr(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) {
    fprintf(stderr, "handshake answered with %.60s\n", text);
    exit(1);
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: load PORT PATH CONNECTIONS SIZE FRAGMENT\n");
    return 2;
  }
  fill_blocks();
  set_up_process();
  connection_count = open_count = atoi(argv[3]);
  size = strtoull(argv[4], NULL, 10);
  fragment = strtoull(argv[5], NULL, 10);
  poller = epoll_create1(EPOLL_CLOEXEC);
  connections = calloc(connection_count, sizeof *connections);
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    c->fd = open_one(atoi(argv[1]), argv[2]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
  }
  printf("ready %d\n", connection_count);
  fflush(stdout);

  char line[64], name[16];
  double seconds;
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "%15s %lf", name, &seconds) != 2) return 2;
    paced = strcmp(name, "beat") == 0;
    mode = paced || strcmp(name, "echo") == 0 ? ECHO : strcmp(name, "up") == 0 ? UP : DOWN;
    run(seconds);
  }
  return 0;
}
