/** The text of docs/presets.md: which preset for which app, and where its numbers come from. */
import { code, table } from '../../markdown.ts';
import { formatDuration, formatSize } from '../language/format.ts';
import { pageLoadOf, pagesPerSecond, peopleAtOnce } from './page-loads.ts';
import type { Preset } from './preset.ts';
import { type PresetName, presetNames, presets } from './presets.ts';
import { builtIn } from './route-settings.ts';

/** The text of docs/presets.md. */
export function presetGuide(): string {
  return [
    '# Which preset for which app',
    '',
    'Generated from `src/config/model/presets.ts`; change it there and run `npm run docs`.',
    '',
    "A preset's message limit is the backend's own default, so that Sluice refuses before the backend does, and says",
    'why. Raise both together: `sluice check` prints the very setting for your value.',
    '',
    table(
      ['app', 'preset', 'largest message from the client', 'on the backend, to raise it', 'what the user sees over it'],
      presetNames.map((name) => [presets[name].fits, code(name), ...limitCells(presets[name]), presets[name].over]),
    ),
    '',
    'The user sees the same directly and through Sluice. What differs is the close: directly it is 1009 with few',
    "words, or 1006, because a backend's close frame loses a race with its reset about as often as not; through",
    "Sluice it is always 1009, with both numbers and the route's name, in the log too.",
    '',
    'NiceGUI takes `uvicorn`: its own limit is that of Socket.IO, 1 000 000 characters (`engineio`,',
    '`max_http_buffer_size`), and stricter.',
    '',
    '## Where the numbers come from',
    '',
    'One page is what the real app took in Chromium, with nothing in its cache, and half as much again. `check`',
    `warns of a rate that is less, and a preset counts and logs the handshakes of one address beyond ${peopleAtOnce} pages at`,
    `once and ${pagesPerSecond} more each second (\`sluice_handshakes_over_rate_total\`); it refuses none.`,
    '',
    table(
      ['preset', 'its limit, in its source', 'one page: requests, handshakes'],
      presetNames.map((name) => [code(name), presets[name].limit.source, pageCell(name)]),
    ),
    '',
    '## Clients that sleep',
    '',
    'A laptop that is shut, a tab that is frozen: tried with clients that read nothing while 32 MB wait for them,',
    'before each of these servers, directly and through Sluice (`test/real/servers/sleepers.test.ts`,',
    '`test/apps`). Who has all of it directly has all of it through Sluice, and who is lost',
    "directly is lost through Sluice, by the same server's clock.",
    '',
    'A backend that pings gives up a client when its interval and its timeout are both over. Sluice gives a client',
    'that answers no ping as long, and waits ten seconds longer where output is stuck, so that the backend ends it',
    'and its code arrives. Then it resets the connection (`slow_receiver`); the backend hears 1001. Where a backend',
    "waits for ever, Sluice waits as long as Linux's TCP does for a peer that has vanished.",
    '',
    table(
      [
        ...['preset', 'whose clock it is', 'bears one that takes nothing', 'Sluice does (upstream `max_pause`)'],
        ...['bears a silent one', 'Sluice does (20s and `ping.timeout`)', 'the end of one that is lost'],
      ],
      presetNames.map((name) => [code(name), ...sleepCells(presets[name])]),
    ),
    '',
    "uvicorn's own close frame waits behind what its client does not take, for as long as that sleeps: directly an app",
    'goes on to wait in its `send`, and is told only when the client wakes or its machine is gone. Through Sluice it is',
    'told at `max_pause`. Jupyter Server finds out between 90 and 120 s after the last pong.',
    '',
    'A silent page of `panel-fastapi` and `shiny` is borne longer than by uvicorn, because it cannot come back.',
    'Gradio sends its answers over HTTP, which no ping bounds: a download whose reader sleeps goes on when it wakes, up',
    'to `http.inactivity`.',
    '',
  ].join('\n');
}

function limitCells({ limit }: Preset): string[] {
  const ways = limit.raise?.('BYTES').map(code);
  return [
    limit.maxMessageBytes % 1024 === 1023
      ? `${formatSize(limit.maxMessageBytes + 1)} less a byte`
      : formatSize(limit.maxMessageBytes),
    ways?.join(' or ') ?? 'nothing raises it',
  ];
}

function sleepCells({ bears, settings }: Preset): string[] {
  const patience = (ms: number | null) => (ms === null ? 'for ever' : formatDuration(ms));
  return [
    bears.server,
    patience(bears.stuckMs),
    formatDuration(settings['limits.upstream.max_pause']!),
    patience(bears.quietMs),
    formatDuration(builtIn['ping.client'] + settings['ping.timeout']!),
    bears.end ?? '',
  ];
}

function pageCell(name: PresetName): string {
  const { requests, handshakes } = pageLoadOf(name);
  return `${requests}, ${handshakes}`;
}
