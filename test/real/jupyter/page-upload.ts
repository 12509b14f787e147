/** The upload of a file to a kernel as ipywidgets does it: one comm message with a binary buffer. Runs in a page. */

/** What to send and where. */
export interface UploadOrder {
  readonly url: string;
  /** `null` speaks the older wire format, without a subprotocol. */
  readonly subprotocol: string | null;
  readonly fileBytes: number;
}

/** What was sent, and what the kernel says it received. */
export interface Upload {
  readonly messageBytes: number;
  readonly sha256: string;
  readonly received: { readonly bytes: number; readonly sha256: string };
}

/**
 * Sends pseudo-random bytes to the kernel, which answers with their count and hash. Self-contained: it is sent to the
 * page as text.
 */
export async function uploadFromPage({ url, subprotocol, fileBytes }: UploadOrder): Promise<Upload> {
  const kernelSide = `
import hashlib
from comm import get_comm_manager
def opened(comm, _):
    @comm.on_msg
    def received(message):
        file = message['buffers'][0]
        comm.send({'bytes': len(file), 'sha256': hashlib.sha256(file).hexdigest()})
get_comm_manager().register_target('upload', opened)`;

  const words = new Uint32Array(fileBytes / 4);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  const file = new Uint8Array(words.buffer);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');

  const socket = new WebSocket(url, subprotocol === null ? [] : [subprotocol]);
  socket.binaryType = 'arraybuffer';
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  /** Both wire formats are a table of offsets followed by the parts; the newer one has 64-bit little-endian offsets. */
  const encode = (type: string, content: object, buffers: Uint8Array[] = []): Blob => {
    const header = {
      msg_id: crypto.randomUUID(),
      msg_type: type,
      session: 'page',
      username: '',
      date: new Date().toISOString(),
      version: '5.2',
    };
    const message = { header, parent_header: {}, metadata: {}, content };
    const parts: Uint8Array[] =
      subprotocol === null
        ? [encoder.encode(JSON.stringify({ ...message, channel: 'shell' })), ...buffers]
        : [
            encoder.encode('shell'),
            ...Object.values(message).map((part) => encoder.encode(JSON.stringify(part))),
            ...buffers,
          ];
    const wide = subprotocol !== null;
    const count = parts.length + (wide ? 1 : 0);
    const table = new DataView(new ArrayBuffer((wide ? 8 : 4) * (1 + count)));
    const put = (i: number, value: number): void =>
      wide ? table.setBigUint64(8 * i, BigInt(value), true) : table.setUint32(4 * i, value);
    put(0, count);
    let offset = table.byteLength;
    for (const [i, part] of parts.entries()) {
      put(1 + i, offset);
      offset += part.byteLength;
    }
    if (wide) put(count, offset);
    return new Blob([table, ...(parts as Uint8Array<ArrayBuffer>[])]);
  };

  const decode = (data: string | ArrayBuffer): { type: string; content: { data: Upload['received'] } } => {
    if (typeof data === 'string') {
      const { header, content } = JSON.parse(data);
      return { type: header.msg_type, content };
    }
    const table = new DataView(data);
    const part = (i: number): never => {
      const [start, end] = [i, i + 1].map((n) => Number(table.getBigUint64(8 * (1 + n), true)));
      return JSON.parse(decoder.decode(data.slice(start, end))) as never;
    };
    return { type: (part(1) as { msg_type: string }).msg_type, content: part(4) };
  };

  const awaitMessage = (wanted: string) =>
    new Promise<{ data: Upload['received'] }>((resolve, reject) => {
      socket.addEventListener('close', ({ code, reason }) => reject(new Error(`closed: ${code} ${reason}`)));
      socket.addEventListener('message', ({ data }) => {
        const { type, content } = decode(data);
        if (type === wanted) resolve(content);
      });
    });

  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onclose = ({ code }) => reject(new Error(`not opened: ${code}`));
  });
  const prepared = awaitMessage('execute_reply');
  socket.send(encode('execute_request', { code: kernelSide, silent: false, store_history: false, allow_stdin: false }));
  await prepared;
  const answer = awaitMessage('comm_msg');
  socket.send(encode('comm_open', { comm_id: 'one', target_name: 'upload', data: {} }));
  const message = encode('comm_msg', { comm_id: 'one', data: {} }, [file]);
  socket.send(message);
  const { data: received } = await answer;
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  socket.close(1000);
  await closed;
  return { messageBytes: message.size, sha256, received };
}
