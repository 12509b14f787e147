/** Pages of a list: where one is, and a step back or forth. */
import { element, setText } from './dom.js';
import { number } from './format.js';

/**
 * Binds a `nav`.
 * @param {HTMLElement} nav
 * @param {number} pageSize
 * @param {(offset: number) => void} onPage is called with the first row's index
 */
export function pager(nav, pageSize, onPage) {
  const button = (/** @type {string} */ text, /** @type {number} */ step) => {
    const made = element('button', 'quiet', text);
    made.type = 'button';
    made.addEventListener('click', () => onPage(Math.max(0, first + step * pageSize)));
    return made;
  };
  const back = button('Previous', -1);
  const on = button('Next', 1);
  const place = element('span', 'num');
  let first = 0;
  nav.append(back, place, on);
  return {
    /** Shows that rows from `offset` on are on the screen, of `total`. */
    show(/** @type {number} */ offset, /** @type {number} */ total) {
      first = offset;
      nav.hidden = total <= pageSize && offset === 0;
      back.disabled = offset === 0;
      on.disabled = offset + pageSize >= total;
      setText(
        place,
        `${number(Math.min(offset + 1, total))} to ${number(Math.min(offset + pageSize, total))} of ${number(total)}`,
      );
    },
  };
}
