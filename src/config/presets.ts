/**
 * What fits each backend. The client's message limit equals the backend's own default, so that Sluice, which can say
 * why, refuses before the backend does, which cannot. Towards the client no preset limits a message's size.
 */
import type { Settings } from './settings.ts';

const MiB = 1024 * 1024;
const second = 1000;

/** How a backend's own message limit is raised. */
export interface BackendLimit {
  /** The backend's default for messages it receives, in bytes. */
  readonly maxMessageBytes: number;
  /** What to write on the backend so that it takes `bytes`, each a way of its own; `null` where nothing raises it. */
  readonly raise: ((bytes: number | string) => readonly string[]) | null;
  /** Tornado holds one frame whole in its read buffer; a larger one loses its connection without a close frame. */
  readonly readBuffer: { readonly bytes: number; readonly raise: (bytes: number) => string } | null;
}

/** A backend that Sluice knows. */
export interface Preset {
  /** For people: which servers it fits. */
  readonly fits: string;
  readonly settings: Partial<Settings>;
  readonly backend: BackendLimit;
  /** After how long without a pong the backend closes, in ms; 0 for never. Its pongs wait while Sluice pauses it. */
  readonly backendPingTimeoutMs: number;
  /** Whether the backend, or what stands before it, counts a ping as its user's activity. */
  readonly pingIsActivity: boolean;
  /** How files travel in WebSocket messages. */
  readonly files: 'panel' | 'bokeh' | 'http' | 'binary';
}

function preset(
  maxMessageSize: number,
  maxPauseSeconds: number,
  pingTimeoutSeconds: number | null,
  about: Omit<Preset, 'settings' | 'backend'> & Pick<BackendLimit, 'raise' | 'readBuffer'>,
  more: Partial<Settings> = {},
): Preset {
  const { raise, readBuffer, ...rest } = about;
  return {
    ...rest,
    backend: { maxMessageBytes: maxMessageSize, raise, readBuffer },
    settings: {
      'limits.client.max_message_size': maxMessageSize,
      'limits.client.max_pause': maxPauseSeconds * second,
      'limits.upstream.max_message_size': Number.POSITIVE_INFINITY,
      'limits.upstream.max_pause': maxPauseSeconds * second,
      ...(pingTimeoutSeconds === null ? {} : { 'ping.timeout': pingTimeoutSeconds * second }),
      ...more,
    },
  };
}

/** A page of Panel or Bokeh dies with its connection, so a drain leaves it alone as long as it can. */
const diesWithConnection: Partial<Settings> = { 'drain.close': 'wait' };

/** Jupyter keeps a kernel's output for a client that comes back, but only once it knows that the client is gone. */
const keepsOutput: Partial<Settings> = { 'drain.protect': 'upstream' };

const uvicorn = (fits: string) =>
  preset(16 * MiB, 15, null, {
    fits,
    raise: (bytes) => [`uvicorn --ws-max-size ${bytes}`],
    readBuffer: null,
    backendPingTimeoutMs: 20 * second,
    pingIsActivity: false,
    files: 'binary',
  });

/** The presets by the name that `preset:` takes. */
export const presets = {
  panel: preset(
    20 * MiB,
    30,
    300,
    {
      fits: 'Panel on its own server (`panel serve`, `pn.serve`)',
      raise: (bytes) => [
        `panel serve --websocket-max-message-size=${bytes}`,
        `pn.serve(..., websocket_max_message_size=${bytes})`,
      ],
      readBuffer: {
        bytes: 100 * MiB,
        raise: (bytes) => `pn.serve(..., http_server_kwargs={'max_buffer_size': ${bytes}})`,
      },
      backendPingTimeoutMs: 0,
      pingIsActivity: false,
      files: 'panel',
    },
    diesWithConnection,
  ),
  bokeh: preset(
    20 * MiB,
    30,
    300,
    {
      fits: 'Bokeh (`bokeh serve`)',
      raise: (bytes) => [
        `bokeh serve --websocket-max-message-size=${bytes}`,
        `Server(..., websocket_max_message_size=${bytes})`,
      ],
      readBuffer: {
        bytes: 100 * MiB,
        raise: (bytes) => `Server(..., http_server_kwargs={'max_buffer_size': ${bytes}})`,
      },
      backendPingTimeoutMs: 0,
      pingIsActivity: false,
      files: 'bokeh',
    },
    diesWithConnection,
  ),
  'panel-fastapi': preset(
    16 * MiB,
    15,
    300,
    {
      fits: 'Panel or Bokeh inside FastAPI (uvicorn)',
      raise: (bytes) => [`uvicorn --ws-max-size ${bytes}`],
      readBuffer: null,
      backendPingTimeoutMs: 20 * second,
      pingIsActivity: false,
      files: 'panel',
    },
    diesWithConnection,
  ),
  jupyter: preset(
    10 * MiB,
    60,
    90,
    {
      fits: 'Jupyter Server, JupyterLab, Notebook 7 and classic, JupyterHub',
      raise: (bytes) => [
        `c.ServerApp.tornado_settings = {"websocket_max_message_size": ${bytes}}`,
        `c.NotebookApp.tornado_settings = {"websocket_max_message_size": ${bytes}}   # Notebook classic`,
      ],
      readBuffer: { bytes: 512 * MiB, raise: (bytes) => `c.ServerApp.max_buffer_size = ${bytes}` },
      backendPingTimeoutMs: 90 * second,
      pingIsActivity: true,
      files: 'http',
    },
    keepsOutput,
  ),
  'jupyter-collaboration': preset(
    1024 * MiB,
    60,
    90,
    {
      fits: 'the rooms of jupyter-collaboration; `jupyter` brings a route with it',
      raise: null,
      readBuffer: null,
      backendPingTimeoutMs: 0,
      pingIsActivity: true,
      files: 'http',
    },
    keepsOutput,
  ),
  tornado: preset(10 * MiB, 30, null, {
    fits: 'Tornado',
    raise: (bytes) => [`tornado.web.Application(..., websocket_max_message_size=${bytes})`],
    readBuffer: { bytes: 100 * MiB, raise: (bytes) => `HTTPServer(..., max_buffer_size=${bytes})` },
    backendPingTimeoutMs: 0,
    pingIsActivity: false,
    files: 'binary',
  }),
  fastapi: uvicorn('FastAPI and Starlette (uvicorn)'),
  uvicorn: uvicorn('any other ASGI app on uvicorn'),
  websockets: preset(1 * MiB, 15, null, {
    fits: 'Python `websockets`',
    raise: (bytes) => [`serve(..., max_size=${bytes})`],
    readBuffer: null,
    backendPingTimeoutMs: 20 * second,
    pingIsActivity: false,
    files: 'binary',
  }),
} as const satisfies Record<string, Preset>;

/** A name that `preset:` takes. */
export type PresetName = keyof typeof presets;

/** All of them, in the order in which they are documented. */
export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]];

/** What `jupyter` puts below its own path for the rooms of jupyter-collaboration. */
export const roomsPath = '/**/api/collaboration/room/';
