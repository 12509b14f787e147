/** The token of an operator, where the server wants one. It lives in this tab's session storage and nowhere else. */
import { byId, inside, setText } from './dom.js';

const key = 'sluice-token';

/**
 * Headers of every request to the API.
 * @returns {Record<string, string>}
 */
export function authorization() {
  const token = sessionStorage.getItem(key);
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/**
 * Asks for the token; resolves when the person has given one.
 * @returns {Promise<void>}
 */
export function askForToken() {
  const form = byId('token');
  const tried = sessionStorage.getItem(key) !== null;
  sessionStorage.removeItem(key);
  setText(inside(form, '.wrong'), tried ? 'The server did not take this token.' : '');
  byId('content').hidden = true;
  form.hidden = false;
  const input = byId('token-input');
  input.focus();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(key, input.value.trim());
      input.value = '';
      form.hidden = true;
      resolve();
    };
  });
}
