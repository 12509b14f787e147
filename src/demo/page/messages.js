/** Experiment 1: messages around the limit. */
import { button, closeRow, inside, number, wireRow } from './format.js';

/** Binds the section; `limit` is the route's max_message_size in bytes. */
export function messages(/** @type {HTMLElement} */ section, /** @type {number} */ limit) {
  const list = inside(section, '.wire');
  const connectButton = button(section, 'connect');
  /** @type {WebSocket | null} */
  let socket = null;

  /** @returns {Promise<WebSocket>} */
  function connect() {
    const opened = new WebSocket(`ws://${location.host}/ws/messages`);
    socket = opened;
    opened.addEventListener('open', () => {
      wireRow(list, 'note', 'connected');
      connectButton.textContent = 'Disconnect';
    });
    opened.addEventListener('message', ({ data }) => {
      wireRow(list, 'in', `the server received ${number(JSON.parse(data).bytes)} bytes`);
    });
    opened.addEventListener('close', (event) => {
      closeRow(list, 'closed', event);
      connectButton.textContent = 'Connect';
      socket = null;
    });
    return new Promise((resolve) => opened.addEventListener('open', () => resolve(opened)));
  }

  async function send(/** @type {number} */ size) {
    const open = socket?.readyState === WebSocket.OPEN ? socket : await connect();
    wireRow(list, 'out', `a message of ${number(size)} bytes`);
    open.send('s'.repeat(size));
  }

  connectButton.addEventListener('click', () => (socket ? socket.close(1000, 'the person disconnected') : connect()));
  for (const sends of /** @type {NodeListOf<HTMLButtonElement>} */ (section.querySelectorAll('[data-send]'))) {
    const size = limit + Number(sends.dataset.send);
    inside(sends, 'b').textContent = `${number(size)} B`;
    sends.addEventListener('click', () => send(size));
  }
}
