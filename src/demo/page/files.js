/** Experiment 2: one file, as one message or in chunks. */
import { button, bytes, closeRow, inside, number, shower, wireRow } from './format.js';

const sampleSize = 24 * 1024 * 1024;
/** Chunks on their way without the server's word that they arrived. */
const chunksAhead = 16;

/** Binds the section; `chunkSize` is the route's max_message_size in bytes. */
export function files(/** @type {HTMLElement} */ section, /** @type {number} */ chunkSize) {
  const list = inside(section, '.wire');
  const bar = /** @type {HTMLProgressElement} */ (inside(section, 'progress'));
  const input = /** @type {HTMLInputElement} */ (inside(section, 'input'));
  const buttons = section.querySelectorAll('button');

  input.addEventListener('change', () => {
    const file = input.files?.[0];
    shower(section, 'file').textContent = file ? `${file.name}, ${bytes(file.size)}` : 'Choose a file';
  });

  async function send(/** @type {number} */ pieceSize) {
    const data = await chosen(input.files?.[0]);
    const hash = await sha256(data);
    const started = performance.now();
    const socket = new WebSocket(`ws://${location.host}/ws/files`);
    let sent = 0;
    const sendUpTo = (/** @type {number} */ end) => {
      for (; sent < Math.min(end, data.length); sent += pieceSize) socket.send(data.subarray(sent, sent + pieceSize));
    };
    bar.value = 0;
    for (const one of buttons) one.disabled = true;
    socket.addEventListener('open', () => {
      const pieces = Math.ceil(data.length / pieceSize);
      wireRow(list, 'out', `${bytes(data.length)} in ${pieces === 1 ? 'one message' : `${number(pieces)} chunks`}`);
      socket.send(JSON.stringify({ size: data.length }));
      sendUpTo(chunksAhead * pieceSize);
    });
    socket.addEventListener('message', (event) => {
      const answer = JSON.parse(event.data);
      bar.value = answer.received / data.length;
      if (answer.type === 'chunk') return sendUpTo(answer.received + chunksAhead * pieceSize);
      const seconds = (performance.now() - started) / 1000;
      const speed = `${bytes(answer.received)} in ${seconds.toFixed(1)} s`;
      if (answer.sha256 === hash) wireRow(list, 'good', `${speed}; the SHA-256 is the same on both sides`);
      else wireRow(list, 'bad', `${speed}, but the SHA-256 differs`);
      socket.close(1000, 'file complete');
    });
    socket.addEventListener('close', (event) => {
      closeRow(list, 'closed', event);
      for (const one of buttons) one.disabled = false;
    });
  }

  button(section, 'chunks').addEventListener('click', () => send(chunkSize));
  button(section, 'whole').addEventListener('click', () => send(Number.MAX_SAFE_INTEGER));
}

/** The person's file, or random bytes. */
async function chosen(/** @type {File | undefined} */ file) {
  if (file) return new Uint8Array(await file.arrayBuffer());
  const sample = new Uint8Array(sampleSize);
  for (let at = 0; at < sampleSize; at += 65_536) crypto.getRandomValues(sample.subarray(at, at + 65_536));
  return sample;
}

async function sha256(/** @type {Uint8Array<ArrayBuffer>} */ data) {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
