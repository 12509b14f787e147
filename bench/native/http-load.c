/*
 * The clients of every measurement of plain HTTP and of handshakes: one thread, epoll, closed loop.
 *   http-load PORT PATH CONNECTIONS SIZE KIND
 * KIND says what a connection does, again and again, each when the one before is complete:
 *   get     GET PATH over a connection that stays open; the answer must have SIZE bytes
 *   put     PUT PATH with SIZE bytes over a connection that stays open; the answer must tell their number
 *   shake   connects, asks for a WebSocket, has its 101, and resets the connection
 *   page    PATH is a file, of which each line begins with the bytes of an answer; CONNECTIONS browsers of SIZE
 *           connections each GET all of them, whichever of a browser's connections is free the next one
 * Does one of each first, prints "ready N", then obeys a command per line of stdin, each answered with a line of JSON:
 *   go SECONDS      with 0 each connection does one, and each browser loads its whole page
 *   go SECONDS N    the same, but no more than N begin in a second
 * A connection that was closed while nothing was asked for is opened anew. Ends when stdin does.
 */
#include "ws.h"
#include "latency.h"
#include <poll.h>
#include <sys/timerfd.h>

enum { GRACE_SECONDS = 20, PAGES_SECONDS = 120, HEAD_SIZE = 4096, MAX_ASSETS = 1000 };
enum kind { GET, PUT, SHAKE, PAGE };

/* A browser, and how far its page has come. */
struct browser {
  int next;
};

struct connection {
  int fd; /* -1 while closed */
  struct browser *browser;
  uint64_t wanted; /* bytes of the answer */
  bool done, in_body, wants_out;
  char head[HEAD_SIZE];
  size_t head_length;
  uint64_t body_left, to_send; /* of the answer, of the request's body */
  char told[24]; /* the body of an answer to PUT */
  size_t told_length;
  uint64_t started_ns;
  struct connection *next_resting;
};

static struct connection *connections, *resting; /* those who wait until one more may begin */
static int connection_count, poller, pacer, done_count, failed_count, port;
static bool paced;
static const char *path;
static uint64_t size, deadline_ns, exchange_count, byte_count;
static uint64_t assets[MAX_ASSETS];
static int asset_count;
static enum kind kind;
static uint8_t buffer[READ_SIZE];

static void fail(struct connection *c, const char *why) {
  fprintf(stderr, "%s\n", why);
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  failed_count++;
  if (!c->done) done_count++;
  c->done = true;
}

static void connect_one(struct connection *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = loopback(port);
  if (connect(c->fd, (const struct sockaddr *)&address, sizeof address)) die("connect");
  no_delay(c->fd);
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  c->wants_out = false;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
}

/* Without TIME_WAIT: thousands of handshakes a second would use the ports up. */
static void reset(struct connection *c) {
  const struct linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(c->fd);
  c->fd = -1;
}

/* Whether the peer has closed an idle connection. */
static bool was_closed(struct connection *c) {
  struct pollfd poll_fd = {.fd = c->fd, .events = POLLIN | POLLRDHUP};
  return poll(&poll_fd, 1, 0) > 0;
}

static void watch_out(struct connection *c, bool out) {
  if (out == c->wants_out) return;
  c->wants_out = out;
  struct epoll_event event = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static bool send_body(struct connection *c) {
  while (c->to_send > 0) {
    const ssize_t n = send(c->fd, plain_block, c->to_send < BLOCK_SIZE ? c->to_send : BLOCK_SIZE, 0);
    if (n < 0 && errno != EAGAIN) return false;
    if (n < 0) break;
    c->to_send -= n;
  }
  watch_out(c, c->to_send > 0);
  return true;
}

static void begin(struct connection *c) {
  if (c->fd >= 0 && kind == SHAKE) reset(c);
  c->started_ns = now_ns();
  if (c->fd < 0) connect_one(c);
  c->wanted = kind == PAGE ? assets[c->browser->next++] : size;
  char asset[32];
  const char *target = path;
  if (kind == PAGE) {
    snprintf(asset, sizeof asset, "/bytes/%llu", (unsigned long long)c->wanted);
    target = asset;
  }
  c->head_length = c->told_length = 0;
  c->in_body = false;
  char text[2048]; /* A path may carry a token. */
  int length;
  if (kind == SHAKE) {
    length = snprintf(text, sizeof text,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path, port);
  } else if (kind == PUT) {
    length = snprintf(text, sizeof text, "PUT %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %llu\r\n\r\n",
      path, port, (unsigned long long)size);
  } else {
    /* As long as a browser's, without its cookies. */
    length = snprintf(text, sizeof text,
      "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
      "Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en\r\nConnection: keep-alive\r\n\r\n", target, port);
  }
  c->to_send = kind == PUT ? size : 0;
  if (send(c->fd, text, length, 0) != length || !send_body(c)) fail(c, "cannot send a request");
}

static void rest(struct connection *c) {
  if (c->fd >= 0 && kind == SHAKE) reset(c);
  c->next_resting = resting;
  resting = c;
}

static void end_exchange(struct connection *c) {
  const uint64_t now = now_ns();
  record(now - c->started_ns);
  exchange_count++;
  byte_count += kind == SHAKE ? 0 : c->wanted;
  if (paced && now < deadline_ns) {
    rest(c);
    return;
  }
  if (kind == PAGE ? c->browser->next < asset_count : now < deadline_ns) {
    begin(c);
    return;
  }
  if (kind == SHAKE) reset(c);
  c->done = true;
  done_count++;
}

/* Reads the answer's head; what came behind it is in `buffer` from *used on. */
static bool read_head(struct connection *c, size_t n, size_t *used) {
  const size_t take = n < HEAD_SIZE - 1 - c->head_length ? n : HEAD_SIZE - 1 - c->head_length;
  memcpy(c->head + c->head_length, buffer, take);
  const size_t before = c->head_length;
  c->head_length += take;
  c->head[c->head_length] = 0;
  const char *end = strstr(c->head, "\r\n\r\n");
  if (!end) {
    *used = n;
    return c->head_length < HEAD_SIZE - 1;
  }
  *used = end + 4 - c->head - before;
  if (kind == SHAKE) {
    if (strncmp(c->head, "HTTP/1.1 101", 12) != 0 || !strstr(c->head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")) return false;
    end_exchange(c);
    return true;
  }
  unsigned long long length;
  const char *field = strcasestr(c->head, "\r\ncontent-length:");
  if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !field || sscanf(field + 17, " %llu", &length) != 1) return false;
  if (kind != PUT && length != c->wanted) return false;
  c->in_body = true;
  c->body_left = length;
  return true;
}

static bool take_body(struct connection *c, const uint8_t *p, size_t n) {
  if (n > c->body_left) return false;
  if (kind == PUT) {
    if (c->told_length + n >= sizeof c->told) return false;
    memcpy(c->told + c->told_length, p, n);
    c->told_length += n;
    c->told[c->told_length] = 0;
  } else if (n == c->wanted && n <= BLOCK_SIZE && memcmp(p, plain_block, n) != 0) {
    return false;
  }
  c->body_left -= n;
  if (c->body_left > 0) return true;
  if (kind == PUT && strtoull(c->told, NULL, 10) != size) return false;
  end_exchange(c);
  return true;
}

static bool pull(struct connection *c) {
  if (c->in_body && c->body_left >= READ_SIZE) {
    const ssize_t n = recv(c->fd, NULL, c->body_left, MSG_TRUNC);
    if (n <= 0) return n < 0 && errno == EAGAIN;
    c->body_left -= n;
    if (c->body_left == 0) end_exchange(c);
    return true;
  }
  const ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  size_t used = 0;
  if (!c->in_body && !read_head(c, n, &used)) {
    fprintf(stderr, "answered with %.60s\n", c->head);
    return false;
  }
  return !c->in_body || take_body(c, buffer + used, n - used);
}

/* All browsers begin their page, or only its last few assets: one for each of their connections. */
static void turn_pages(bool whole) {
  for (int i = 0; i < connection_count; i++) connections[i].browser->next = whole ? 0 : asset_count - (int)size;
}

static void read_assets(void) {
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  char line[1024];
  while (asset_count < MAX_ASSETS && fgets(line, sizeof line, file)) assets[asset_count++] = strtoull(line, NULL, 10);
  fclose(file);
}

/* Lets `per_second` begin in a second; 0 is nobody. */
static void set_pace(double per_second) {
  struct itimerspec pace = {0};
  if (per_second > 0) pace.it_interval.tv_nsec = pace.it_value.tv_nsec = 1e9 / per_second;
  timerfd_settime(pacer, 0, &pace, NULL);
}

/* As many may begin as the timer has struck. Whoever rests when the time is over is done. */
static void wake(void) {
  uint64_t struck = 0;
  const bool over = now_ns() >= deadline_ns;
  if (read(pacer, &struck, sizeof struck) < 0 && errno != EAGAIN) die("timer");
  while (resting && (over || struck-- > 0)) {
    struct connection *c = resting;
    resting = c->next_resting;
    if (over) c->done = true, done_count++;
    else begin(c);
  }
}

/* Returns the seconds that it took. */
static double run(double seconds, double per_second) {
  paced = per_second > 0;
  set_pace(per_second);
  memset(histogram, 0, sizeof histogram);
  exchange_count = byte_count = 0;
  done_count = failed_count = 0;
  const uint64_t began = now_ns();
  deadline_ns = began + (uint64_t)(seconds * 1e9);
  const uint64_t give_up = deadline_ns + (kind == PAGE ? PAGES_SECONDS : GRACE_SECONDS) * 1000000000ull;
  for (int i = 0; i < connection_count; i++) {
    struct connection *c = &connections[i];
    c->done = false;
    if (c->fd >= 0 && was_closed(c)) {
      close(c->fd);
      c->fd = -1;
    }
    if (paced) rest(c);
    else begin(c);
  }
  struct epoll_event events[256];
  uint64_t now = now_ns();
  while (done_count < connection_count && now < give_up) {
    const int n = epoll_wait(poller, events, 256, (give_up - now) / 1000000 + 1);
    for (int i = 0; i < n; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == NULL) wake();
      if (c == NULL || c->fd < 0 || c->done) continue;
      const bool readable = events[i].events & ~EPOLLOUT;
      if (!(readable ? pull(c) : send_body(c))) fail(c, "an exchange broke off");
    }
    now = now_ns();
  }
  set_pace(0);
  return (now - began) / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: http-load PORT PATH CONNECTIONS SIZE KIND\n");
    return 2;
  }
  fill_blocks();
  set_up_process();
  port = atoi(argv[1]);
  path = argv[2];
  connection_count = atoi(argv[3]);
  size = strtoull(argv[4], NULL, 10);
  kind = strcmp(argv[5], "put") == 0 ? PUT : strcmp(argv[5], "shake") == 0 ? SHAKE : strcmp(argv[5], "page") == 0 ? PAGE : GET;
  poller = epoll_create1(EPOLL_CLOEXEC);
  pacer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event strikes = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, pacer, &strikes);
  const int browsers = connection_count;
  if (kind == PAGE) {
    read_assets();
    if (asset_count < (int)size) return 2;
    connection_count *= size;
  }
  connections = calloc(connection_count, sizeof *connections);
  struct browser *browser = calloc(browsers, sizeof *browser);
  for (int i = 0; i < connection_count; i++) {
    connections[i].fd = -1;
    connections[i].browser = &browser[i % browsers];
  }
  turn_pages(false);
  run(0, 0);
  if (failed_count > 0 || done_count < connection_count) return 1;
  printf("ready %d\n", connection_count);
  fflush(stdout);

  char line[64], name[16];
  while (fgets(line, sizeof line, stdin)) {
    double seconds, per_second = 0;
    if (sscanf(line, "%15s %lf %lf", name, &seconds, &per_second) < 2) return 2;
    turn_pages(true);
    const double took = run(seconds, per_second);
    report(took, exchange_count, byte_count, connection_count - done_count, failed_count);
  }
  return 0;
}
