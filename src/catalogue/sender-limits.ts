/** The limits of what one side may send, one row each. */
import type { SenderLimitRow } from './row.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const second = 1000;
const minute = 60 * second;

/** The keys are the names in the file, in the order in which tables show them. */
export const senderLimits = {
  max_message_size: {
    field: 'maxMessageBytes',
    kind: 'sizeOrUnlimited',
    builtIn: { client: 10 * MiB, upstream: Number.POSITIVE_INFINITY },
    about:
      'The largest message: the payload of all its fragments together, inclusive. A larger one is refused at the frame header that crosses it, with 1009.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'message of {observed} exceeds {limit}',
    closes: {
      as: 'message_too_big',
      client: 1009,
      upstream: 1009,
      level: 'warn',
      flag: 'ML',
      words: 'a message exceeds max_message_size',
      advice: {
        means: 'somebody sent a message above `max_message_size`; both sides heard 1009 with both numbers',
        look: '`sender`, and `limit.configured` beside `limit.observed`. `sluice_message_size_bytes` shows what is usual on the route. `incomplete` names a receiver that had the first fragments already: Python `websockets` and uvicorn tell their application `1002 incomplete fragmented message` then, and it is this limit all the same',
        change:
          "send less at once (`FileDropper` instead of `FileInput`), or raise `max_message_size` **and** the backend's own limit: `sluice check` names it, and docs/presets.md what the user sees",
      },
    },
    table: { counted: ['message_size_bytes'] },
  },
  max_frame_size: {
    field: 'maxFrameBytes',
    kind: 'sizeOrUnlimited',
    builtIn: Number.POSITIVE_INFINITY,
    about: 'The largest single frame, inclusive; 1009. Left out, a frame may be as large as a message.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'frame of {observed} exceeds {limit}',
    closes: {
      as: 'frame_too_big',
      client: 1009,
      upstream: 1009,
      level: 'warn',
      flag: 'FL',
      words: 'a frame exceeds max_frame_size',
      advice: {
        means: 'a frame above `max_frame_size`',
        look: '`limit`; browsers send frames of up to about 128 KiB, programs send whole messages as one',
        change: 'raise `max_frame_size`, or leave it out: `max_message_size` bounds frames too',
      },
    },
    table: { none: 'none of its own' },
  },
  max_fragments: {
    field: 'maxFragments',
    kind: 'count',
    // Chromium cuts a message into frames of at most 131 000 bytes, so this admits 2 GB from a browser.
    builtIn: 16_384,
    about: 'The most fragments of one message; 1008. Chromium cuts 150 MB into 1146.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'message of {observed} fragments exceeds {limit}',
    closes: {
      as: 'too_many_fragments',
      client: 1008,
      upstream: 1008,
      level: 'warn',
      flag: 'FR',
      words: 'a message has more than max_fragments',
      advice: {
        means: 'a message in more frames than `max_fragments`',
        look: '`limit.configured`, and how large messages may be: Chromium cuts 150 MB into 1146 frames',
        change: 'raise `max_fragments` together with `max_message_size`; many tiny fragments are an attack',
      },
    },
    table: {},
  },
  message_timeout: {
    field: 'messageTimeoutMs',
    kind: 'duration',
    builtIn: 10 * minute,
    about:
      'The longest time from the first to the last byte of a message; 1008. It stands still while Sluice pauses this sender.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'message took {observed}, more than {limit}',
    closes: {
      as: 'message_timeout',
      client: 1008,
      upstream: 1008,
      level: 'warn',
      flag: 'MT',
      words: 'a message took longer than message_timeout',
      advice: {
        means: "a message was begun and not ended within `message_timeout`; pauses of Sluice's own do not count",
        look: '`sender`, `max_message_bytes`: a large upload over a slow link, or a peer that stopped in the middle',
        change: 'raise `message_timeout` to the largest message over the slowest link',
      },
    },
    table: {},
  },
  max_message_rate: {
    field: 'messageRate',
    kind: 'messageRate',
    builtIn: null,
    about:
      "Messages per second, as a token bucket; `burst` is one second's worth unless set. `pause` reads later, `close` ends with 1008.",
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'more than {limit} messages per second',
    closes: {
      as: 'message_rate',
      client: 1008,
      upstream: 1008,
      level: 'warn',
      flag: 'MR',
      words: 'messages came faster than max_message_rate',
      advice: {
        means: 'messages came faster than `max_message_rate`, whose action is `close`',
        look: '`sender`, `messages` over `duration_s`: a loop in a page, or a limit below what the application does',
        change: 'raise the rate or its burst, or let `action: pause` slow the sender instead',
      },
    },
    table: { none: 'none', first: 'the sender is paused', counted: ['pauses_total{cause="rate"}'] },
  },
  max_byte_rate: {
    field: 'byteRate',
    kind: 'byteRate',
    builtIn: null,
    about: 'Payload bytes per second, likewise.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'more than {limit} per second',
    closes: {
      as: 'byte_rate',
      client: 1008,
      upstream: 1008,
      level: 'warn',
      flag: 'BY',
      words: 'bytes came faster than max_byte_rate',
      advice: {
        means: 'bytes came faster than `max_byte_rate`, whose action is `close`',
        look: '`sender`, `bytes` over `duration_s`',
        change: 'raise the rate or its burst, or let `action: pause` slow the sender instead',
      },
    },
    table: { none: 'none', first: 'the sender is paused', counted: ['pauses_total{cause="rate"}'] },
  },
  max_control_rate: {
    field: 'controlRate',
    kind: 'controlRate',
    // Once a second must be fine for ever (marimo does it); a burst is a client catching up.
    builtIn: { perSecond: 50, burst: 200, action: 'close' },
    about: 'Pings, pongs and close frames per second; a flood is closed with 1008. Enforced in `mode: report` too.',
    isViolation: true,
    watched: 'where it binds',
    exceeded: 'more than {limit} control frames per second',
    closes: {
      as: 'control_flood',
      client: 1008,
      upstream: 1008,
      level: 'warn',
      flag: 'CF',
      words: 'control frames came faster than max_control_rate',
      advice: {
        means: 'pings or pongs came faster than `max_control_rate`',
        look: '`sender`, `client`: no usual program pings more often than once a second',
        change: 'the program; the default leaves room for everything that is known to be in use',
      },
    },
    table: {},
  },
  max_buffer_size: {
    field: 'maxBufferBytes',
    kind: 'size',
    builtIn: 256 * KiB,
    about:
      'Bytes from the {sender} that the {receiver} has not taken yet. At this size the {sender} is paused until a quarter is left; one read may overshoot it.',
    isViolation: false,
    table: { first: 'the sender is paused', counted: ['buffered_bytes', 'pauses_total{cause="buffer"}'] },
  },
  max_queue: {
    field: 'maxQueue',
    kind: 'count',
    builtIn: 64,
    about:
      'Messages, whole or partial, in that buffer. At this number the {sender} is paused; the messages of one read may overshoot it.',
    isViolation: false,
    table: {
      unit: 'messages',
      first: 'the sender is paused',
      counted: ['queued_messages', 'pauses_total{cause="queue"}'],
    },
  },
  max_pause: {
    field: 'maxPauseMs',
    kind: 'duration',
    builtIn: 30 * second,
    about:
      'The longest time without any progress towards the {receiver} while the {sender} is paused; then the connection ends as `slow_receiver`. A slow {receiver} that keeps reading lives.',
    isViolation: true,
    exceeded: 'receiver took nothing for {observed}, more than {limit}',
    closes: {
      as: 'slow_receiver',
      watchedBy: 'sluice',
      client: 1013,
      upstream: 1001,
      level: 'warn',
      flag: 'SR',
      words: 'the receiver made no progress for max_pause',
      advice: {
        means: "one side took nothing for `max_pause` while the other side's messages waited for it",
        look: '`limit` and `sender`: the *other* one is slow. `undelivered_bytes` is what it did not take. Clients: suspended laptops, frozen tabs. Upstream: a blocked event loop',
        change:
          'nothing for single clients; a longer `max_pause` where waiting is right. Shorter than the backend waits it loses clients that would live directly (`sluice check` warns)',
      },
    },
    table: { unit: 'without progress', counted: ['connections_closed_total{reason="slow_receiver"}'] },
  },
} as const satisfies Record<string, SenderLimitRow>;
