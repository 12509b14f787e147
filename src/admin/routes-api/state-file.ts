/**
 * The table of routes on disk, so that a restart serves at once. It is written beside its place and moved there, at
 * most once a second, and never while the relay waits. What cannot be read is kept aside under another name, and the
 * table begins empty.
 *
 *   {"sluice_routes": 1, "start": 7, "routes": [["/user/ann", "{…}", 1764423000000], …]}
 *
 * `start` says which process wrote it: each takes a number behind that of the file it has found. So one that ends,
 * while another has begun with the same file, does not put its older table in the place of the newer one. Of two that
 * begin at once one has the greater number, and keeps the file.
 *
 * A link in the place of the file stays: the file that it leads to is the one that is read and replaced.
 */
import { randomInt } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { inTurn, readSmallFile } from '../../files.ts';
import type { Log } from '../../observe/log/log.ts';
import { Pace } from '../../observe/metrics/pace.ts';
import type { ApiRoutes } from '../../routes/api-routes.ts';

const version = 1;
/** At most once in this time. */
const intervalMs = 1000;
/** A full table has less. */
const mostBytes = 256 << 20;
const pieceLength = 64 * 1024;
/** Of so many numbers each takes one by chance, so that no two are the same. */
const startsAtOnce = 1 << 20;

export class StateFile {
  readonly #path: string;
  readonly #routes: ApiRoutes;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #failing = false;
  #changed = false;
  /** The latest use of a route that the file tells of. */
  #latestUse = 0;
  /** Which start of a process with this file ours is. */
  #start = startBehind(0);

  constructor(path: string, routes: ApiRoutes, log: Log) {
    this.#path = path;
    this.#routes = routes;
    this.#log = log;
  }

  /** Fills the table from the file, where there is one. */
  async load(now: number): Promise<void> {
    let text: string;
    try {
      // What is too large is not even read.
      const { size } = await inTurn(this.#path, () => stat(this.#path));
      if (size > mostBytes) throw new Error(`it has ${size} bytes, at most ${mostBytes} may be`);
      text = (await readSmallFile(this.#path, mostBytes)).toString();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') await this.#setAside(`it cannot be read: ${message}`);
      return;
    }
    const state = parse(text);
    if ('problem' in state) {
      await this.#setAside(state.problem);
      return;
    }
    this.#start = startBehind(state.start);
    let refused = 0;
    let first = '';
    // A full table takes seconds, and the admin port answers already.
    const pace = new Pace();
    for (const [path, body, lastActivity] of state.routes) {
      if (pace.isOver) await pace.rest();
      const problem = this.#routes.set(path, body, now, Math.max(0, Math.min(lastActivity, now)));
      if (problem === null) continue;
      refused++;
      first ||= problem.problem;
    }
    this.#latestUse = this.#latest();
    this.#log.tell('routes_loaded', {
      file: this.#path,
      routes: this.#routes.size,
      refused,
      ...(refused > 0 ? { detail: first } : {}),
    });
  }

  /** The table has changed: it is written soon. */
  changed(): void {
    this.#changed = true;
    this.#timer ??= setTimeout(() => void this.#flush(), intervalMs).unref();
  }

  /** Writes what is not written yet: use of routes alone is no reason to write before. */
  async close(): Promise<void> {
    if (this.#changed || this.#latest() > this.#latestUse) await this.#flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#writing;
  }

  #latest(): number {
    let latest = 0;
    for (const { lastActivity } of this.#routes.all()) latest = Math.max(latest, lastActivity);
    return latest;
  }

  #flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    // A change while it is written is written a second later.
    this.#timer = null;
    this.#changed = false;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    let beside = '';
    try {
      const pieces = await this.#pieces();
      const found = await startOf(this.#path);
      if (found > this.#start) throw new Error('a process that was started later, or at once, keeps its routes there');
      await inTurn(this.#path, async () => {
        const place = await placeOf(this.#path);
        beside = `${place}.new`;
        // Made anew: what somebody has put there, a pipe or a link to elsewhere, is not written to.
        await rm(beside, { force: true });
        const file = await open(beside, 'wx', 0o600);
        try {
          for (const piece of pieces) await file.writeFile(piece);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, place);
      });
      if (this.#failing) this.#log.tell('routes_saved', { file: this.#path });
      this.#failing = false;
    } catch (error) {
      // A file system that does not answer would not answer this either, and whoever ends waits for it.
      const answers = (error as NodeJS.ErrnoException).code !== 'ETIMEDOUT';
      if (answers && beside !== '') await rm(beside, { force: true }).catch(() => {});
      this.#changed = true;
      this.#timer ??= setTimeout(() => void this.#flush(), intervalMs * 10).unref();
      if (this.#failing) return;
      this.#failing = true;
      this.#log.tell('routes_not_saved', { file: this.#path, error: (error as Error).message });
    }
  }

  async #pieces(): Promise<Buffer[]> {
    const pace = new Pace();
    const pieces: Buffer[] = [];
    this.#latestUse = 0;
    let text = `{"sluice_routes":${version},"start":${this.#start},"routes":[`;
    let first = true;
    for (const route of [...this.#routes.all()]) {
      text += `${first ? '' : ',\n'}${JSON.stringify([route.path, route.data, route.lastActivity])}`;
      first = false;
      this.#latestUse = Math.max(this.#latestUse, route.lastActivity);
      if (text.length >= pieceLength) {
        pieces.push(Buffer.from(text));
        text = '';
      }
      if (pace.isOver) await pace.rest();
    }
    return [...pieces, Buffer.from(`${text}]}\n`)];
  }

  async #setAside(problem: string): Promise<void> {
    const aside = `${this.#path}.unusable`;
    const kept = await rename(this.#path, aside).then(
      () => aside,
      () => null,
    );
    this.#log.tell('routes_not_loaded', { file: this.#path, problem, kept });
  }
}

/** What a file begins with; a few bytes, however many routes stand behind. */
const head = /^\{"sluice_routes":\d+,"start":(\d{1,16}),/;
const headBytes = 64;
/** A greater number is nobody's who has counted: what is added to it would be lost, and nobody be later than it. */
const greatestStart = 2 ** 52;

/** Which start of a process wrote a file; 0 where nobody can tell. */
async function startOf(path: string): Promise<number> {
  const bytes = await readSmallFile(path, headBytes).catch(() => Buffer.alloc(0));
  return startIn(bytes.toString('latin1'));
}

function startIn(text: string): number {
  const start = Number(head.exec(text)?.[1] ?? 0);
  return start <= greatestStart ? start : 0;
}

/** A number for whoever has found this one. */
function startBehind(found: number): number {
  return (Math.floor(found / startsAtOnce) + 1) * startsAtOnce + randomInt(startsAtOnce);
}

/**
 * Where a link leads, or the path itself. A file is made where a link leads to none yet. Whether it may be followed is
 * the system's to say (in a folder of everybody it may not), which does so where a file is opened.
 */
async function placeOf(path: string): Promise<string> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isSymbolicLink()) return path;
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
  try {
    if (!(await file.stat()).isFile()) throw new Error('the link leads to what is no file');
  } finally {
    await file.close();
  }
  return realpath(path);
}

type Row = readonly [path: string, body: string, lastActivity: number];

interface State {
  readonly start: number;
  readonly routes: readonly Row[];
}

function parse(text: string): State | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'it is no JSON, or it was cut short' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'it is no file of routes' };
  const { sluice_routes: found, routes } = value as Record<string, unknown>;
  if (typeof found === 'number' && found > version) {
    return { problem: `it is of version ${found}, and this Sluice reads ${version}; a newer one wrote it` };
  }
  if (found !== version || !Array.isArray(routes) || !routes.every(isRow))
    return { problem: 'it is no file of routes' };
  return { start: startIn(text), routes };
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row) || row.length !== 3) return false;
  const [path, body, at] = row;
  return typeof path === 'string' && typeof body === 'string' && Number.isFinite(at);
}
