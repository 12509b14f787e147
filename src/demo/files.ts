/** `/ws/files`: takes a file as a text message (its name and size) and binary messages (its bytes). */
import { createHash, type Hash } from 'node:crypto';
import type { WebSocket } from 'ws';

interface Upload {
  readonly size: number;
  readonly hash: Hash;
  received: number;
}

/** Confirms each chunk, and the whole file with its SHA-256. Nothing is kept. */
export function serveFiles(socket: WebSocket): void {
  let upload: Upload | null = null;
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) {
      upload = { size: announcedSize(data), hash: createHash('sha256'), received: 0 };
      return;
    }
    if (upload === null) return socket.close(1008, 'announce the file first');
    upload.hash.update(data);
    upload.received += data.length;
    socket.send(JSON.stringify({ type: 'chunk', received: upload.received }));
    if (upload.received < upload.size) return;
    socket.send(JSON.stringify({ type: 'done', received: upload.received, sha256: upload.hash.digest('hex') }));
    upload = null;
  });
}

function announcedSize(data: Buffer): number {
  try {
    const { size } = JSON.parse(data.toString()) as { size?: unknown };
    return typeof size === 'number' ? size : 0;
  } catch {
    return 0;
  }
}
