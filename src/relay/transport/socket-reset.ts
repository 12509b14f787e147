/**
 * Drops a connection and what the kernel still holds for its peer, which sees a reset. Node itself resets plain TCP
 * only, and only between two states of a FIN.
 */
import type { Socket } from 'node:net';

/** TCP below TLS. */
interface Carrier {
  close(done: () => void): void;
  /** Returns an error number, 0 for none. */
  reset(done: () => void): number;
}

/** Resets a socket, at once or when its FIN is in the kernel. Unix sockets leave nothing behind there. */
export function resetSocket(socket: Socket): void {
  const carrier = carrierOf(socket);
  // While a FIN is on its way into the kernel, Node cannot reset the handle and would lose it: `uv_tcp_close_reset`
  // refuses a handle that is shutting down. That takes one turn of the event loop; but TLS writes its own goodbye
  // first, for which a stuck peer has no room.
  if (carrier === null && socket.writableEnded && !socket.writableFinished) {
    socket.once('finish', () => resetNow(socket));
    return;
  }
  if (carrier !== null) resetWhenClosed(carrier);
  resetNow(socket);
}

function resetNow(socket: Socket): void {
  try {
    socket.resetAndDestroy();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_INVALID_HANDLE_TYPE') throw error;
    socket.destroy();
  }
}

/** The TCP handle below TLS, where `socket` is TLS and Node shows it. */
function carrierOf(socket: Socket): Carrier | null {
  const carrier = (socket as unknown as { _handle: { _parent?: Carrier } | null })._handle?._parent;
  return typeof carrier?.reset === 'function' ? carrier : null;
}

/**
 * Node resets TCP only, and destroying TLS leaves up to 4 MiB in the kernel: what closes the TCP below it resets it.
 */
function resetWhenClosed(carrier: Carrier): void {
  const { close } = carrier;
  carrier.close = (done) => {
    // A handle whose FIN is under way refuses.
    if (carrier.reset(done) !== 0) close.call(carrier, done);
  };
}
