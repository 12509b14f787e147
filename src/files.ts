/**
 * Reading small files that somebody else puts there: configuration, certificates, tokens. A file system that does not
 * answer (NFS) holds the thread of Node's pool that asks it, for ever, and there are four for everything, names of
 * upstreams too. So such files are asked for one at a time, a pipe in the place of a file is not waited for, and
 * whoever waits gives up.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** The longest wait for a file system. */
const patienceMs = 5000;

let lastTurn: Promise<unknown> = Promise.resolve();

/** Does `work` with the file system when what was asked for before has been answered; rejects after five seconds. */
export function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reject(fileError('ETIMEDOUT', path, `no answer within ${patienceMs / 1000} s`));
  }, patienceMs).unref();
  const run = async () => {
    if (isLate) return;
    await work().then(resolve, reject);
    clearTimeout(timer);
  };
  lastTurn = lastTurn.then(run);
  return promise;
}

/** The contents of an ordinary file, or the first `mostBytes` and one more of a longer one. */
export function readSmallFile(path: string, mostBytes: number): Promise<Buffer> {
  return inTurn(path, async () => {
    // Opened like this, a FIFO that nobody writes to is no reason to wait.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const kind = await handle.stat();
      if (kind.isDirectory()) throw fileError('EISDIR', path, 'is a directory');
      if (!kind.isFile()) throw fileError('ENOTFILE', path, 'is a pipe, a socket or a device');
      return await readAtMost(handle, mostBytes + 1);
    } finally {
      await handle.close();
    }
  });
}

/** The same of whatever can be read, for as long as that takes: a pipe, too. */
export async function readOnce(path: string, mostBytes: number): Promise<Buffer> {
  const handle = await open(path);
  try {
    return await readAtMost(handle, mostBytes + 1);
  } finally {
    await handle.close();
  }
}

async function readAtMost(handle: FileHandle, mostBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  while (size < mostBytes) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(64 * 1024, mostBytes - size)));
    if (bytesRead === 0) break;
    parts.push(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
  return Buffer.concat(parts);
}

function fileError(code: string, path: string, words: string): NodeJS.ErrnoException {
  return Object.assign(new Error(words), { code, path });
}
