/** Which route takes a path: also one of thousands that a program has set, which no table shows. */
import { byId, setText } from './dom.js';
import { authorization } from './token.js';

/** Answers that come late must not replace later ones. */
let asked = 0;

/** Binds the field. */
export function findRoute() {
  byId('route-find').addEventListener('submit', async (event) => {
    event.preventDefault();
    const mine = ++asked;
    const words = await find(byId('route-find-path').value.trim());
    if (mine === asked) setText(byId('route-found'), words);
  });
}

/** @returns {Promise<string>} */
async function find(/** @type {string} */ text) {
  if (text === '') return '';
  try {
    const answer = await fetch(`/api/routes/find?${queryOf(text)}`, { headers: authorization(), cache: 'no-store' });
    const found = await answer.json();
    if (!answer.ok) return `${found.error.what}: ${found.error.remedy}`;
    const { name, set_by: setBy, match, upstream, last_activity: lastActivity } = found;
    const used = lastActivity === null ? '' : `, last used ${new Date(lastActivity).toLocaleString()}`;
    const whose = setBy === 'api' ? `set by a program, under the template ${name}` : `route ${name}`;
    return `${match.hosts.join(', ')}${match.path} → ${upstream} (${whose}${used})`;
  } catch {
    return 'Sluice does not answer.';
  }
}

/** Of a whole URL its host counts too. */
function queryOf(/** @type {string} */ text) {
  const url = URL.parse(text);
  return url === null
    ? new URLSearchParams({ path: text })
    : new URLSearchParams({ path: url.pathname, host: url.host });
}
