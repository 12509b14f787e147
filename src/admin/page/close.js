/** Closing one connection: asked first, in a dialog that the keyboard alone can work. */
import { byId, inside, setText } from './dom.js';
import { authorization } from './token.js';

/**
 * Asks, and closes the connection if the person says so; resolves with whether it was closed.
 * @param {import('./types.d.ts').ConnectionRow} connection
 * @returns {Promise<boolean>}
 */
export function askToClose({ id, address, user, route, path }) {
  const dialog = byId('closing');
  const confirm = byId('closing-do');
  const wrong = inside(dialog, '.wrong');
  const who = user === null ? address : `${user} (${address})`;
  setText(
    byId('closing-words'),
    `Connection ${id} of ${who} on route ${route}, ${path}. Its client is told 1012 and may come back at once.`,
  );
  setText(wrong, '');
  confirm.disabled = false;
  return new Promise((resolve) => {
    let closed = false;
    confirm.onclick = async () => {
      confirm.disabled = true;
      const problem = await close(id);
      confirm.disabled = false;
      setText(wrong, problem ?? '');
      if (problem !== null) return;
      closed = true;
      dialog.close();
    };
    dialog.onclose = () => resolve(closed);
    dialog.showModal();
  });
}

/** `null`, or what went wrong. A connection that has gone meanwhile is closed too. */
async function close(/** @type {string} */ id) {
  try {
    const answer = await fetch(`/api/connections/${id}`, { method: 'DELETE', headers: authorization() });
    if (answer.ok || answer.status === 404) return null;
    const { error } = await answer.json();
    return `It was not closed: ${error.what}. To do: ${error.remedy}.`;
  } catch {
    return 'It was not closed: Sluice does not answer.';
  }
}
