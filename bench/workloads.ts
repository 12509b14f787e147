/** What is measured: the connections, the commands to the load generator, and which numbers make sense of it. */
import { join } from 'node:path';
import { root } from './paths.ts';

/**
 * A line for the load generator: `echo SECONDS`, `up SECONDS`, `down SECONDS` or `go SECONDS`; 0 is one message per
 * connection.
 */
export interface Phase {
  readonly mode: 'echo' | 'up' | 'down' | 'go';
  readonly once?: true;
  /** `go` begins no more than so many in a second. */
  readonly perSecond?: number;
}

export interface Workload {
  /** What `--only` and the JSON call it. */
  readonly name: string;
  readonly title: string;
  /** The load generator: `load` for WebSockets, `http-load` for plain HTTP and handshakes. */
  readonly program: 'load' | 'http-load';
  readonly path: string;
  readonly connections: number;
  /** Payload bytes of a message, bytes of a body, or connections of a browser. */
  readonly size: number;
  /** Payload bytes of a frame, 0 being the whole message; or what `http-load` does. */
  readonly how: number | 'get' | 'put' | 'shake' | 'page';
  readonly phases: readonly Phase[];
  readonly rows: readonly Row[];
  /** Measured in the first round only: nothing in it is a time. */
  readonly memoryOnly?: true;
  /**
   * Too long for turns: one peer after the other does all of it, in each round, while a few WebSockets beside it tell
   * how long they wait.
   */
  readonly crowd?: true;
}

/** A number of the table; `sample.ts` computes each. */
export type Row =
  | 'cpuUsPerMessage'
  | 'cpuUsPerRequest'
  | 'cpuUsPerHandshake'
  | 'cpuSecondsPerGb'
  | 'messagesPerSecond'
  | 'requestsPerSecond'
  | 'handshakesPerSecond'
  | 'megabytesPerSecond'
  | 'p50Us'
  | 'p99Us'
  | 'besideP50Ms'
  | 'besideP99Ms'
  | 'besideWorstP99Ms'
  | 'proxyBusy'
  | 'loadBusy'
  | 'delivered'
  | 'rssPeak'
  | 'rssGrowth'
  | 'rssPerConnection';

const memory = ['rssPeak', 'rssGrowth'] as const;
const echoRows = [
  'cpuUsPerMessage',
  'messagesPerSecond',
  'p50Us',
  'p99Us',
  'proxyBusy',
  'loadBusy',
  ...memory,
] as const;
const bulkRows = ['cpuSecondsPerGb', 'megabytesPerSecond', 'proxyBusy', 'loadBusy', ...memory] as const;

const timeRows = ['p50Us', 'p99Us', 'proxyBusy', 'loadBusy', ...memory] as const;
const requestRows = ['cpuUsPerRequest', 'requestsPerSecond', ...timeRows] as const;
const handshakeRows = ['cpuUsPerHandshake', 'handshakesPerSecond', ...timeRows] as const;

const echo = { program: 'load', path: '/echo', how: 0, phases: [{ mode: 'echo' }] } as const;
const bulk = { program: 'load', path: '/bulk', connections: 4, size: 1_000_000, how: 0 } as const;
const http = { program: 'http-load', phases: [{ mode: 'go' }] } as const;

/** GET of so many bytes. */
function get(name: string, title: string, connections: number, size: number, rows: Workload['rows']): Workload {
  return { name, title, ...http, path: `/bytes/${size}`, connections, size, how: 'get', rows };
}

/** The row in which the proxy's CPU stands, if a workload has one. */
export function cpuRow({ rows }: Workload): Row | undefined {
  return rows.find((row) => row.startsWith('cpu'));
}

export const workloads: readonly Workload[] = [
  { name: 'echo-100', title: 'echo 100 B × 64 connections', ...echo, connections: 64, size: 100, rows: echoRows },
  {
    name: 'echo-100-1',
    title: 'echo 100 B × 1 connection',
    ...echo,
    connections: 1,
    size: 100,
    rows: ['p50Us', 'p99Us'],
  },
  { name: 'echo-16k', title: 'echo 16 KiB × 16 connections', ...echo, connections: 16, size: 16_384, rows: echoRows },
  { name: 'up-1m', title: '1 MB messages client → upstream × 4', ...bulk, phases: [{ mode: 'up' }], rows: bulkRows },
  {
    name: 'down-1m',
    title: '1 MB messages upstream → client × 4',
    ...bulk,
    phases: [{ mode: 'down' }],
    rows: bulkRows,
  },
  {
    name: 'big',
    title: '8 × 150 MB at once, up and then down',
    program: 'load',
    path: '/bulk',
    connections: 8,
    size: 150_000_000,
    how: 131_000, // as Chromium cuts them
    phases: [
      { mode: 'up', once: true },
      { mode: 'down', once: true },
    ],
    rows: ['delivered', 'cpuSecondsPerGb', 'megabytesPerSecond', ...memory],
    memoryOnly: true,
  },
  {
    name: 'idle',
    title: '4000 idle connections',
    program: 'load',
    path: '/echo',
    connections: 4000,
    size: 0,
    how: 0,
    phases: [],
    rows: ['rssPerConnection', 'rssPeak'],
    memoryOnly: true,
  },
  get('get-1k', 'GET 1 KB × 64 connections', 64, 1000, requestRows),
  get('get-20k', 'GET 20 KB × 16 connections', 16, 20_000, requestRows),
  get('get-1m', 'GET 1 MB × 8 connections', 8, 1_000_000, bulkRows),
  get('get-100m', 'GET 100 MB × 2 connections', 2, 100_000_000, bulkRows),
  {
    name: 'put-100m',
    title: 'PUT 100 MB × 2 connections',
    ...http,
    path: '/put',
    connections: 2,
    size: 100_000_000,
    how: 'put',
    rows: bulkRows,
  },
  {
    // What JupyterLab loads before a notebook is there: test/real/jupyter/collect-page.ts.
    name: 'class',
    title: 'a class begins: 200 pages of JupyterLab at once',
    program: 'http-load',
    path: join(root, 'bench', 'class', 'page.txt'),
    connections: 200,
    size: 6, // as browsers have for a host
    how: 'page',
    phases: [{ mode: 'go', once: true }],
    rows: [
      'cpuSecondsPerGb',
      'cpuUsPerRequest',
      'megabytesPerSecond',
      'besideP50Ms',
      'besideP99Ms',
      'besideWorstP99Ms',
      ...memory,
    ],
    crowd: true,
  },
  {
    name: 'handshake',
    title: 'handshakes (connect, 101, reset) × 16',
    ...http,
    path: '/echo',
    connections: 16,
    size: 0,
    how: 'shake',
    rows: handshakeRows,
  },
  {
    // To each peer equally many, so that each pays alike for waking client and backend.
    name: 'handshake-2000',
    title: 'handshakes (connect, 101, reset), 2 000 a second',
    ...http,
    path: '/echo',
    connections: 16,
    size: 0,
    how: 'shake',
    phases: [{ mode: 'go', perSecond: 2000 }],
    rows: handshakeRows,
  },
  {
    name: 'idle-http',
    title: '4000 idle keep-alive connections of HTTP',
    program: 'http-load',
    path: '/bytes/1000',
    connections: 4000,
    size: 1000,
    how: 'get',
    phases: [],
    rows: ['rssPerConnection', 'rssPeak'],
    memoryOnly: true,
  },
];
