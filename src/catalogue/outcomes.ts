/**
 * The catalogue: every way in which a handshake, a request or a connection ends. One row each, with the HTTP
 * status or close codes, the log level, the two-letter flag, and words for people. Code, metrics, log and docs read it.
 */

export type Level = 'info' | 'warn' | 'error';

/** Who ended it. */
export type EndedBy = 'client' | 'upstream' | 'sluice';

interface RequestRow {
  /** HTTP status to the client; 0 where none can be sent (it is gone) or where the upstream's own is mirrored. */
  readonly status: number;
  readonly level: Level;
  readonly flag: string;
  readonly words: string;
}

// How no connection to the upstream came about: a handshake and an HTTP request end alike.
const connectTimeout = {
  status: 504,
  level: 'error',
  flag: 'UN',
  words: 'no connection to the upstream within timeouts.connect',
} as const satisfies RequestRow;
const tlsFailed = {
  status: 502,
  level: 'error',
  flag: 'US',
  words: 'TLS with the upstream failed: a certificate is not accepted, or there is none',
} as const satisfies RequestRow;
const busy = {
  status: 503,
  level: 'warn',
  flag: 'UL',
  words: 'the route has its maximum of connections to the upstream',
} as const satisfies RequestRow;
const noDescriptors = {
  status: 503,
  level: 'error',
  flag: 'FD',
  words: 'the gateway may open no more files and connections',
} as const satisfies RequestRow;

/** How a handshake (or an HTTP request before its forwarding) ends. The key is the `result` label. */
export const handshakeOutcomes = {
  opened: { status: 101, level: 'info', flag: 'OK', words: 'connection opened' },
  no_route: { status: 404, level: 'info', flag: 'NR', words: 'no route matches this host and path' },
  bad_request: { status: 400, level: 'warn', flag: 'BR', words: 'not a valid request' },
  ambiguous_path: {
    status: 400,
    level: 'warn',
    flag: 'BP',
    words: 'the path leads to different routes, depending on how it is read',
  },
  method_not_allowed: { status: 405, level: 'warn', flag: 'BM', words: 'a WebSocket handshake must be a GET' },
  unsupported_version: { status: 426, level: 'warn', flag: 'BV', words: 'only WebSocket version 13 is supported' },
  headers_too_large: { status: 431, level: 'warn', flag: 'HL', words: 'the request headers exceed 65536 bytes' },
  too_many_headers: {
    status: 431,
    level: 'warn',
    flag: 'HC',
    words: 'the request has more than 256 header lines',
  },
  request_timeout: { status: 408, level: 'info', flag: 'RT', words: 'the request headers did not arrive in time' },
  origin_refused: { status: 403, level: 'warn', flag: 'OR', words: 'the origin is not allowed on this route' },
  too_many_connections: { status: 503, level: 'warn', flag: 'CL', words: 'the route has its maximum of connections' },
  too_many_per_address: {
    status: 429,
    level: 'warn',
    flag: 'AL',
    words: 'this address has its maximum of connections',
  },
  memory: { status: 503, level: 'warn', flag: 'MH', words: 'the buffers of all connections are almost full' },
  draining: { status: 503, level: 'info', flag: 'DR', words: 'the gateway is shutting down' },
  upstream_refused: { status: 0, level: 'info', flag: 'UR', words: 'the upstream refused the handshake' },
  upstream_unreachable: { status: 502, level: 'error', flag: 'UF', words: 'the upstream cannot be reached' },
  upstream_connect_timeout: connectTimeout,
  upstream_tls_failed: tlsFailed,
  upstream_busy: busy,
  no_descriptors: noDescriptors,
  upstream_bad_handshake: {
    status: 502,
    level: 'error',
    flag: 'UB',
    words: 'the upstream answered with an invalid handshake',
  },
  upstream_timeout: {
    status: 504,
    level: 'error',
    flag: 'UT',
    words: 'the upstream did not answer the handshake within timeouts.handshake',
  },
  client_gone: { status: 0, level: 'info', flag: 'CG', words: 'the client left before the handshake was complete' },
  tls_failed: { status: 0, level: 'info', flag: 'TF', words: 'the TLS handshake failed' },
} as const satisfies Record<string, RequestRow>;

export type HandshakeResult = keyof typeof handshakeOutcomes;

/** How the forwarding of a plain HTTP request fails. */
export const httpOutcomes = {
  body_too_large: { status: 413, level: 'warn', flag: 'BL', words: 'the request body exceeds the limit of the route' },
  memory: { status: 503, level: 'warn', flag: 'MH', words: 'the buffers of all connections are almost full' },
  upstream_unreachable: { status: 502, level: 'error', flag: 'UF', words: 'the upstream cannot be reached' },
  upstream_connect_timeout: connectTimeout,
  upstream_tls_failed: tlsFailed,
  upstream_busy: busy,
  no_descriptors: noDescriptors,
  upstream_failed: { status: 502, level: 'error', flag: 'UE', words: 'the upstream broke off its answer' },
  upstream_timeout: { status: 504, level: 'error', flag: 'UT', words: 'the upstream was silent for http.inactivity' },
  cut: { status: 0, level: 'warn', flag: 'XC', words: 'the gateway shut down before the exchange was over' },
} as const satisfies Record<string, RequestRow>;

export type HttpFailure = keyof typeof httpOutcomes;

/** Failures that have an answer of ours; of one that was cut nobody waits for more. */
export type AnsweredFailure = Exclude<HttpFailure, 'cut'>;

/** How the admin port turns an operator's request away. The key is the `reason` label, and the `code` of the answer. */
export const adminOutcomes = {
  host: {
    status: 403,
    level: 'warn',
    flag: 'AH',
    words: 'the Host header is a name that anybody may have pointed here',
  },
  cross_site: { status: 403, level: 'warn', flag: 'AX', words: 'a page of another site asks for this' },
  no_token: { status: 401, level: 'warn', flag: 'AN', words: 'the request carries no token' },
  wrong_token: { status: 401, level: 'warn', flag: 'AW', words: 'the token is not the one of admin.token_file' },
  too_many_tries: { status: 429, level: 'warn', flag: 'AT', words: 'too many wrong tokens came from this address' },
  token_file: { status: 503, level: 'error', flag: 'AF', words: 'admin.token_file holds no token to compare with' },
} as const satisfies Record<string, RequestRow>;

export type AdminRefusal = keyof typeof adminOutcomes;

interface ConnectionRow {
  /** Close code to the client; 0 passes on the peer's own code. */
  readonly client: number;
  readonly upstream: number;
  readonly level: Level;
  readonly flag: string;
  readonly words: string;
}

/** How an open connection ends. The key is the `reason` label. */
export const connectionOutcomes = {
  client_closed: { client: 0, upstream: 0, level: 'info', flag: 'CC', words: 'the client closed' },
  upstream_closed: { client: 0, upstream: 0, level: 'info', flag: 'UC', words: 'the upstream closed' },
  client_vanished: {
    client: 0,
    upstream: 1001,
    level: 'info',
    flag: 'CV',
    words: 'the client left without a close frame',
  },
  upstream_vanished: {
    client: 1011,
    upstream: 0,
    level: 'warn',
    flag: 'UV',
    words: 'the upstream left without a close frame',
  },
  client_heartbeat: { client: 0, upstream: 1001, level: 'info', flag: 'CH', words: 'the client answered no ping' },
  upstream_heartbeat: { client: 1011, upstream: 0, level: 'warn', flag: 'UH', words: 'the upstream answered no ping' },
  client_protocol_error: {
    client: 1002,
    upstream: 1001,
    level: 'warn',
    flag: 'CP',
    words: 'the client broke the protocol',
  },
  upstream_protocol_error: {
    client: 1014,
    upstream: 1002,
    level: 'warn',
    flag: 'UP',
    words: 'the upstream broke the protocol',
  },
  message_too_big: {
    client: 1009,
    upstream: 1009,
    level: 'warn',
    flag: 'ML',
    words: 'a message exceeds max_message_size',
  },
  frame_too_big: { client: 1009, upstream: 1009, level: 'warn', flag: 'FL', words: 'a frame exceeds max_frame_size' },
  too_many_fragments: {
    client: 1008,
    upstream: 1008,
    level: 'warn',
    flag: 'FR',
    words: 'a message has more than max_fragments',
  },
  message_timeout: {
    client: 1008,
    upstream: 1008,
    level: 'warn',
    flag: 'MT',
    words: 'a message took longer than message_timeout',
  },
  message_rate: {
    client: 1008,
    upstream: 1008,
    level: 'warn',
    flag: 'MR',
    words: 'messages came faster than max_message_rate',
  },
  byte_rate: { client: 1008, upstream: 1008, level: 'warn', flag: 'BY', words: 'bytes came faster than max_byte_rate' },
  control_flood: {
    client: 1008,
    upstream: 1008,
    level: 'warn',
    flag: 'CF',
    words: 'control frames came faster than max_control_rate',
  },
  slow_receiver: {
    client: 1013,
    upstream: 1001,
    level: 'warn',
    flag: 'SR',
    words: 'the receiver made no progress for max_pause',
  },
  memory: {
    client: 1013,
    upstream: 1001,
    level: 'warn',
    flag: 'ME',
    words: 'all buffers together exceeded memory.max_buffered, and this was the largest',
  },
  idle_timeout: { client: 1001, upstream: 1001, level: 'info', flag: 'IT', words: 'no data for idle_timeout' },
  max_lifetime: {
    client: 1012,
    upstream: 1001,
    level: 'info',
    flag: 'LT',
    words: 'the connection reached max_lifetime',
  },
  drain: { client: 1012, upstream: 1001, level: 'info', flag: 'DR', words: 'the gateway is shutting down' },
  operator: { client: 1012, upstream: 1001, level: 'info', flag: 'OP', words: 'closed by the operator' },
} as const satisfies Record<string, ConnectionRow>;

export type ConnectionReason = keyof typeof connectionOutcomes;

/** The config key of a limit, as the `limit` label names it. */
export type LimitName =
  | 'max_message_size'
  | 'max_frame_size'
  | 'max_fragments'
  | 'message_timeout'
  | 'max_message_rate'
  | 'max_byte_rate'
  | 'max_control_rate'
  | 'max_pause'
  | 'memory.max_buffered'
  | 'connections.max'
  | 'connections.max_per_address'
  | 'http.max_body_size'
  | 'http.max_upstream_connections';

/** What was done about a violation: the `action` label. */
export type LimitAction = 'close' | 'pause' | 'reject' | 'report';

/** The reason with which a violated limit ends a connection. */
export const reasonOfLimit = {
  max_message_size: 'message_too_big',
  max_frame_size: 'frame_too_big',
  max_fragments: 'too_many_fragments',
  message_timeout: 'message_timeout',
  max_message_rate: 'message_rate',
  max_byte_rate: 'byte_rate',
  max_control_rate: 'control_flood',
  max_pause: 'slow_receiver',
  'memory.max_buffered': 'memory',
} as const satisfies Partial<Record<LimitName, ConnectionReason>>;
