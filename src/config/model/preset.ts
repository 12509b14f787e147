/**
 * What a backend bounds, and the settings that follow from it. A preset copies no number of Sluice's own: its limits
 * are the backend's, and its clocks let the backend lose patience first. So nobody is lost here who would not be lost
 * directly.
 */
import { builtIn, type PresetSettings } from './route-settings.ts';

const KiB = 1024;
const second = 1000;
const minute = 60 * second;

/**
 * How long a peer that has vanished is borne where the backend sets no bound of its own: what Linux's TCP gives one
 * that acknowledges nothing before it ends the connection (`tcp_retries2`: 924.6 s).
 */
const vanishedMs = 15 * minute;
/**
 * As `http.inactivity`: Python that computes in its event loop reads nothing, for many minutes. No client minds
 * directly (measured on uvicorn: 24 MB sent into 75 s of computing are all answered, directly and through Sluice).
 */
const computingMs = 60 * minute;
/** The slowest uplink whose largest message still arrives: 128 kbit/s. No backend limits the time of a message. */
const slowestBytesPerSecond = 16 * KiB;
/**
 * The backend's own close frame comes before Sluice's, with some room for a busy machine. Longer than this nobody is
 * kept whom the backend has given up.
 */
const spareMs = 10 * second;
/** A fragment of this size or more is usual; see the warning about `max_fragments`. */
const usualFragment = 64 * KiB;

/** How a backend's own message limit is raised. */
export interface BackendLimit {
  /** The backend's default for messages that it receives, in bytes; infinite where it has none. */
  readonly maxMessageBytes: number;
  /** Where its own source says so: file and constant. */
  readonly source: string;
  /** What to write on the backend so that it takes `bytes`, each a way of its own; `null` where nothing raises it. */
  readonly raise: ((bytes: number | string) => readonly string[]) | null;
  /** Tornado holds one frame whole in its read buffer; a larger one loses its connection without a close frame. */
  readonly readBuffer: { readonly bytes: number; readonly raise: (bytes: number) => string } | null;
}

/**
 * How long a backend bears a client after its last sign of life, in ms; `null` for as long as TCP does. It is the
 * interval of its pings and the time that it waits for a pong, together: half of that is no bound of the backend's.
 */
export interface Patience {
  /** A client that is silent while nothing is sent to it. */
  readonly quietMs: number | null;
  /** A client that takes nothing while output waits for it. */
  readonly stuckMs: number | null;
  /** For people: whose clock it is, where sleeping clients were tried. */
  readonly server: string;
  /** For people: what one hears that has slept too long; `null` where nobody does. */
  readonly end: string | null;
}

/**
 * How files travel: in messages (of Panel, Bokeh, ipywidgets, or any), or over HTTP (beside Jupyter's kernels, or
 * pages).
 */
export type Files = 'panel' | 'bokeh' | 'widgets' | 'binary' | 'jupyter' | 'pages';

/** What is known of a backend. */
export interface About {
  /** For people: which servers it fits. */
  readonly fits: string;
  readonly limit: BackendLimit;
  readonly bears: Patience;
  /** Whether the backend, or what stands before it, counts a ping as its user's activity. */
  readonly pingIsActivity?: boolean;
  readonly files: Files;
  /** What the user sees when a message was too large: tried with the real page or client. */
  readonly over: string;
}

/** A backend that Sluice knows. */
export interface Preset extends Required<About> {
  readonly settings: PresetSettings;
}

/** The preset of a backend; `more` is what its pages or its users need beside the bounds. */
export function preset(about: About, more: PresetSettings = {}): Preset {
  const { limit, bears } = about;
  return {
    pingIsActivity: false,
    ...about,
    settings: {
      'limits.client.max_message_size': limit.maxMessageBytes,
      ...fragments(limit.maxMessageBytes),
      'limits.client.message_timeout': slowestMessageMs(limit.maxMessageBytes),
      'limits.client.max_pause': computingMs,
      'limits.upstream.max_message_size': Number.POSITIVE_INFINITY,
      'limits.upstream.max_pause': bears.stuckMs === null ? vanishedMs : bears.stuckMs + spareMs,
      // Sluice's ping stands for the backend's: one that was just answered is followed by the next, and then by the
      // wait.
      'ping.timeout': bears.quietMs === null ? vanishedMs : bears.quietMs - builtIn['ping.client'],
      ...more,
    },
  };
}

/** Bounds of a server that pings every `everyS` seconds and gives its peer `timeoutS` to answer. */
export function pings(server: string, everyS: number, timeoutS: number, end: string): Patience {
  const bornMs = (everyS + timeoutS) * second;
  return { quietMs: bornMs, stuckMs: bornMs, server, end };
}

/** A server that never gives up a client of its own accord. */
export function patientForEver(server: string): Patience {
  return { quietMs: null, stuckMs: null, server, end: null };
}

function slowestMessageMs(maxMessageBytes: number): number {
  if (!Number.isFinite(maxMessageBytes)) return 0;
  return Math.max(vanishedMs, Math.ceil(maxMessageBytes / slowestBytesPerSecond / 60) * minute);
}

/** Only where the built-in number would end a message before its size does. */
function fragments(maxMessageBytes: number): PresetSettings {
  const needed = Math.ceil(maxMessageBytes / usualFragment);
  const few = Number.isFinite(needed) && needed > builtIn['limits.client.max_fragments'];
  return few ? { 'limits.client.max_fragments': needed } : {};
}
