/** Experiment 1: messages around the limit. */
import { closeRow, number, wireRow } from './format.js';

/** Binds the section; `limit` is the route's max_message_size in bytes. */
export function messages(section, limit) {
  const list = section.querySelector('.wire');
  const connectButton = section.querySelector('[data-act="connect"]');
  let socket = null;

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

  async function send(size) {
    const open = socket?.readyState === WebSocket.OPEN ? socket : await connect();
    wireRow(list, 'out', `a message of ${number(size)} bytes`);
    open.send('s'.repeat(size));
  }

  connectButton.addEventListener('click', () => (socket ? socket.close(1000, 'the person disconnected') : connect()));
  for (const button of section.querySelectorAll('[data-send]')) {
    const size = limit + Number(button.dataset.send);
    button.querySelector('b').textContent = `${number(size)} B`;
    button.addEventListener('click', () => send(size));
  }
}
