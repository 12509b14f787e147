/** What is measured: the connections, the commands to the load generator, and which numbers make sense of it. */

/** A line for the load generator: `echo SECONDS`, `up SECONDS` or `down SECONDS`; 0 is one message per connection. */
export interface Phase {
  readonly mode: 'echo' | 'up' | 'down';
  readonly once?: true;
}

export interface Workload {
  /** What `--only` and the JSON call it. */
  readonly name: string;
  readonly title: string;
  readonly path: '/echo' | '/bulk';
  readonly connections: number;
  /** Payload bytes of a message. */
  readonly size: number;
  /** Payload bytes of a frame; 0 is the whole message. */
  readonly fragment: number;
  readonly phases: readonly Phase[];
  readonly rows: readonly Row[];
  /** Measured in the first round only: nothing in it is a time. */
  readonly memoryOnly?: true;
}

/** A number of the table; `sample.ts` computes each. */
export type Row =
  | 'cpuUsPerMessage'
  | 'cpuSecondsPerGb'
  | 'messagesPerSecond'
  | 'megabytesPerSecond'
  | 'p50Us'
  | 'p99Us'
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

const echo = { path: '/echo', fragment: 0, phases: [{ mode: 'echo' }] } as const;
const bulk = { path: '/bulk', connections: 4, size: 1_000_000, fragment: 0 } as const;

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
    path: '/bulk',
    connections: 8,
    size: 150_000_000,
    fragment: 131_000, // as Chromium cuts them
    phases: [
      { mode: 'up', once: true },
      { mode: 'down', once: true },
    ],
    rows: ['delivered', 'cpuSecondsPerGb', 'megabytesPerSecond', ...memory],
    memoryOnly: true,
  },
  {
    name: 'idle',
    title: '2000 idle connections',
    path: '/echo',
    connections: 2000,
    size: 0,
    fragment: 0,
    phases: [],
    rows: ['rssPerConnection', 'rssPeak'],
    memoryOnly: true,
  },
];
