/** `/ws/messages`: says how many bytes of each message arrived. */
import type { WebSocket } from 'ws';

/** Answers each message with its size, so that the page sees what came through. */
export function serveMessages(socket: WebSocket): void {
  socket.on('message', (data: Buffer) => {
    socket.send(JSON.stringify({ type: 'received', bytes: data.length }));
  });
}
