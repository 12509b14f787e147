/**
 * What fits each backend. The client's message limit equals the backend's own default, so that Sluice, which can say
 * why, refuses before the backend does, which cannot. Towards the client no preset limits a message's size. Each bound
 * is read in the backend's source, at the place that stands beside it, and tried with the real server (`test/real`,
 * `test/apps`).
 */
import { type About, type BackendLimit, type Files, patientForEver, pings, preset } from './preset.ts';
import type { PresetSettings } from './route-settings.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const MB = 1_000_000;
const minute = 60_000;

/** A page that dies with its connection: a drain leaves it alone as long as it can. */
const diesWithConnection: PresetSettings = { 'drain.close': 'wait' };

/**
 * The same on uvicorn, whose pings Sluice answers: so it is for Sluice to say how long a silent page is borne, and a
 * page that cannot come back is worth more than uvicorn's 40 s.
 */
const diesOnUvicorn: PresetSettings = { ...diesWithConnection, 'ping.timeout': 5 * minute };

/** Jupyter keeps a kernel's output for a client that comes back, but only once it knows that the client is gone. */
const keepsOutput: PresetSettings = { 'drain.protect': 'upstream' };

/** The end of a client that does not answer uvicorn's ping, or that of `websockets`. */
const pingTimeout = '1011 `keepalive ping timeout`';

/** The framework reads a body of any size. */
const anyBody: PresetSettings = { 'http.max_body_size': Number.POSITIVE_INFINITY };

/**
 * Tornado's own: tornado/websocket.py, `_default_max_message_size = 10 * 1024 * 1024`; tornado/iostream.py, 100 MiB of
 * buffer.
 */
function tornado(raise: BackendLimit['raise'], readBuffer: BackendLimit['readBuffer']): BackendLimit {
  return {
    maxMessageBytes: 10 * MiB,
    source: 'tornado/websocket.py: `_default_max_message_size = 10 * 1024 * 1024`',
    raise,
    readBuffer,
  };
}

/**
 * uvicorn's own, with either of its WebSocket libraries. Measured, directly: a client that sleeps while 32 MB wait for
 * it has all of them after 36 s, and 1011 `keepalive ping timeout` behind the first 5 MB after 44 s. One that never
 * wakes is held for longer than 200 s, because that close frame waits too, and its app is told nothing.
 */
function uvicorn(fits: string, files: Files, raise: BackendLimit['raise'], over: string): About {
  return {
    fits,
    limit: {
      maxMessageBytes: 16 * MiB,
      source: 'uvicorn/config.py: `Config(ws_max_size=16 * 1024 * 1024, ws_ping_interval=20, ws_ping_timeout=20)`',
      raise,
      readBuffer: null,
    },
    bears: pings('uvicorn', 20, 20, pingTimeout),
    files,
    over,
  };
}

/** Panel's and Bokeh's page. */
const deadPage =
  'the page looks as before and is dead; its console says `Lost websocket 0 connection, 1009`. A reload starts anew';
/** A program of the user's own decides. */
const ownClient = 'the program hears 1009';
/** A page over HTTP alone. */
const noMessages = 'its pages send no messages; a body above `http.max_body_size` gets 413';

const uvicornOption: BackendLimit['raise'] = (bytes) => [`uvicorn --ws-max-size ${bytes}`];

/** Bokeh's own: its ping every 37 s keeps proxies awake, and nobody waits for the pong. */
function bokeh(fits: string, files: Files, command: string, server: string): About {
  return {
    fits,
    limit: {
      maxMessageBytes: 20 * MiB,
      source: 'bokeh/server/tornado.py: `DEFAULT_WEBSOCKET_MAX_MESSAGE_SIZE_BYTES = 20*1024*1024`',
      raise: (bytes) => [
        `${command} serve --websocket-max-message-size=${bytes}`,
        `${server}(..., websocket_max_message_size=${bytes})`,
      ],
      readBuffer: {
        bytes: 100 * MiB,
        raise: (bytes) => `${server}(..., http_server_kwargs={'max_buffer_size': ${bytes}})`,
      },
    },
    bears: patientForEver("Bokeh's, on Tornado"),
    files,
    over: deadPage,
  };
}

/**
 * jupyter_server/base/websocket.py pings every 30 s (`WS_PING_INTERVAL`) and looks at each ping whether the last pong
 * is more than 90 s old, so it finds out between 90 and 120 s. Measured, directly: a client that sleeps 60 s has all of
 * 32 MB, one that sleeps 100 s from its beginning on has not.
 */
const jupyterPings = pings("Jupyter Server's, on Tornado", 30, 90, 'nothing: 1006');

/** The presets by the name that `preset:` takes. */
export const presets = {
  panel: preset(
    bokeh('Panel on its own server (`panel serve`, `pn.serve`)', 'panel', 'panel', 'pn.serve'),
    diesWithConnection,
  ),
  bokeh: preset(bokeh('Bokeh (`bokeh serve`)', 'bokeh', 'bokeh', 'Server'), diesWithConnection),
  'panel-fastapi': preset(
    uvicorn('Panel or Bokeh inside FastAPI (uvicorn)', 'panel', uvicornOption, deadPage),
    diesOnUvicorn,
  ),
  jupyter: preset(
    {
      fits: 'Jupyter Server, JupyterLab, Notebook 7 and classic, JupyterHub',
      limit: tornado(
        (bytes) => [
          `c.ServerApp.tornado_settings = {"websocket_max_message_size": ${bytes}}`,
          `c.NotebookApp.tornado_settings = {"websocket_max_message_size": ${bytes}}   # Notebook classic`,
        ],
        { bytes: 512 * MiB, raise: (bytes) => `c.ServerApp.max_buffer_size = ${bytes}` },
      ),
      bears: jupyterPings,
      pingIsActivity: true,
      files: 'jupyter',
      over: 'the cell stays `[*]` for ever; the notebook reconnects within a second, and the next cell runs',
    },
    keepsOutput,
  ),
  'jupyter-collaboration': preset(
    {
      fits: 'the rooms of jupyter-collaboration; `jupyter` brings a route with it',
      limit: {
        maxMessageBytes: 1024 * MiB,
        source: 'jupyter_server_ydoc/handlers.py: `max_message_size` 1 GiB',
        raise: null,
        readBuffer: null,
      },
      // Its rooms do not ping.
      bears: patientForEver("Jupyter Server's, on Tornado, without its pings"),
      pingIsActivity: true,
      files: 'jupyter',
      over: 'not tried: no page makes so large a message',
    },
    keepsOutput,
  ),
  voila: preset(
    {
      fits: 'Voilà',
      limit: tornado((bytes) => [`voila --Voila.tornado_settings='{"websocket_max_message_size": ${bytes}}'`], null),
      bears: jupyterPings,
      pingIsActivity: true,
      files: 'widgets',
      over: 'the page reconnects and goes on; what was too large is lost',
    },
    keepsOutput,
  ),
  'jupyter-server-proxy': preset({
    fits: 'apps behind jupyter-server-proxy, where they have a route of their own below `/proxy/`',
    limit: tornado((bytes) => [`c.ServerApp.tornado_settings = {"websocket_max_message_size": ${bytes}}`], {
      bytes: 512 * MiB,
      raise: (bytes) => `c.ServerApp.max_buffer_size = ${bytes}`,
    }),
    bears: patientForEver("Jupyter Server's, on Tornado, without its pings"),
    pingIsActivity: true,
    files: 'pages',
    over: "the app's page hears 1009 and decides",
  }),
  tornado: preset({
    fits: 'Tornado',
    limit: tornado((bytes) => [`tornado.web.Application(..., websocket_max_message_size=${bytes})`], {
      bytes: 100 * MiB,
      raise: (bytes) => `HTTPServer(..., max_buffer_size=${bytes})`,
    }),
    // Its pings are off. Measured: a client that sleeps 300 s while 58 MB wait for it has all of them.
    bears: patientForEver('Tornado'),
    files: 'binary',
    over: ownClient,
  }),
  fastapi: preset(uvicorn('FastAPI and Starlette (uvicorn)', 'binary', uvicornOption, ownClient)),
  uvicorn: preset(uvicorn('any other ASGI app on uvicorn', 'binary', uvicornOption, ownClient)),
  websockets: preset({
    fits: 'Python `websockets`',
    limit: {
      maxMessageBytes: 1 * MiB,
      source: 'websockets/asyncio/server.py: `serve(max_size=2**20, ping_interval=20, ping_timeout=20)`',
      raise: (bytes) => [`serve(..., max_size=${bytes})`],
      readBuffer: null,
    },
    // Its ping waits for room as every write does, and its clock starts when the ping is written. Measured, directly: a
    // silent client is alive after 38 s and lost after 42 s; one that takes nothing for 300 s has all of 58 MB.
    bears: { ...pings('`websockets`', 20, 20, pingTimeout), stuckMs: null },
    files: 'binary',
    over: ownClient,
  }),
  aiohttp: preset({
    fits: 'aiohttp (`web.WebSocketResponse`)',
    limit: {
      // aiohttp/_websocket/reader_py.py refuses `>=`: measured, 4 194 303 bytes pass and 4 194 304 do not.
      maxMessageBytes: 4 * MiB - 1,
      source: 'aiohttp/web_ws.py: `WebSocketResponse(max_msg_size=4 * 1024 * 1024)`',
      raise: (bytes) => [`web.WebSocketResponse(max_msg_size=${typeof bytes === 'number' ? bytes + 1 : bytes})`],
      readBuffer: null,
    },
    // `heartbeat` is off. Measured: a client that says nothing for 75 s is alive.
    bears: patientForEver('aiohttp'),
    files: 'binary',
    over: ownClient,
  }),
  streamlit: preset({
    fits: 'Streamlit',
    limit: {
      maxMessageBytes: 25 * MB,
      source: 'streamlit/config.py: `server.maxWidgetStateSize`, 25 (MB)',
      raise: (bytes) => [`streamlit run app.py --server.maxWidgetStateSize=${inMegabytes(bytes)}`],
      readBuffer: null,
    },
    // streamlit/web/server/starlette/starlette_server_config.py: `DEFAULT_WEBSOCKET_PING_INTERVAL`, `…_PING_TIMEOUT` =
    // 30. Measured: a silent client is alive after 57 s and lost after 63 s.
    bears: pings("Streamlit's, on uvicorn", 30, 30, pingTimeout),
    files: 'pages',
    over: 'the page reconnects and goes on; what was too large is lost',
  }),
  shiny: preset(
    uvicorn(
      'Shiny for Python',
      'pages',
      (bytes) => [`uvicorn app:app --ws-max-size ${bytes}`, `shiny.run_app("app:app", ws_max_size=${bytes})`],
      'the page turns grey and is dead. A reload makes a new session',
    ),
    diesOnUvicorn,
  ),
  solara: preset(
    uvicorn(
      'Solara',
      'binary',
      (bytes) => [`SOLARA_APP=app.py uvicorn solara.server.starlette:app --ws-max-size ${bytes}`],
      'the page reconnects and goes on; what was too large is lost',
    ),
  ),
  marimo: preset({
    ...uvicorn(
      'marimo (`run` and `edit`)',
      'pages',
      null,
      'the page says `You have reconnected to an existing session.` and goes on; its own messages are tiny',
    ),
    // marimo/_server/start.py: `ws_ping_interval=1, ws_ping_timeout=60`. Measured: a silent client is alive after 57 s,
    // lost after 64 s.
    bears: pings("marimo's, on uvicorn", 1, 60, pingTimeout),
  }),
  gradio: preset(uvicorn('Gradio', 'pages', null, noMessages), anyBody),
  dash: preset(
    uvicorn(
      'Dash',
      'pages',
      uvicornOption,
      'with callbacks over a WebSocket (FastAPI) it is closed; else its pages send no messages',
    ),
    anyBody,
  ),
  'code-server': preset({
    fits: 'code-server (VS Code in the browser)',
    limit: {
      // The server sets none. Measured: a text of 20 MB that is opened and edited goes to its extensions as one message
      // of 20.6 MB.
      maxMessageBytes: 256 * MiB,
      source:
        'vscode, src/vs/base/parts/ipc/node/ipc.net.ts: `WebSocketNodeSocket` has none; this one is of the preset',
      raise: null,
      readBuffer: null,
    },
    // vscode, src/vs/base/parts/ipc/common/ipc.net.ts: either side that hears nothing for 20 s (`TimeoutTime`)
    // reconnects, for 3 hours.
    bears: patientForEver("VS Code's, on Node"),
    files: 'pages',
    over: 'the tab sends the same message again with each reconnection, about once a second, until it is closed; its extensions are dead (tried at 10 MiB)',
  }),
  dask: preset(
    {
      fits: "Dask's scheduler over `ws://` (its dashboard: `bokeh`)",
      limit: {
        maxMessageBytes: 100 * MiB,
        source:
          'distributed/comm/ws.py: `MAX_MESSAGE_SIZE = 10_000_000_000`; tornado/iostream.py: a frame above 100 MiB outgrows the read buffer',
        raise: null,
        readBuffer: null,
      },
      bears: patientForEver("Dask's, on Tornado"),
      files: 'binary',
      over: 'the call ends with `FutureCancelledError … scheduler-connection-lost`',
    },
    diesWithConnection,
  ),
} as const satisfies Record<string, ReturnType<typeof preset>>;

/** A name that `preset:` takes. */
export type PresetName = keyof typeof presets;

/** All of them, in the order in which they are documented. */
export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]];

/** What `jupyter` puts below its own path for the rooms of jupyter-collaboration. */
export const roomsPath = '/**/api/collaboration/room/';

/** Streamlit counts in millions of bytes. */
function inMegabytes(bytes: number | string): number | string {
  return typeof bytes === 'number' ? Math.ceil(bytes / MB) : 'MEGABYTES';
}
