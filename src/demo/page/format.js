/** Numbers as people read them, and the two DOM helpers the page needs. */

const grouped = new Intl.NumberFormat('en');

/** 65536 → "65,536". */
export const number = (/** @type {number} */ value) => grouped.format(value);

/** Bytes in the largest binary unit: 1.5 MiB, 256 KiB, 12 B. */
export function bytes(/** @type {number} */ value) {
  if (value >= 1024 ** 2) return `${(value / 1024 ** 2).toFixed(value % 1024 ** 2 === 0 ? 0 : 1)} MiB`;
  if (value >= 1024) return `${(value / 1024).toFixed(value % 1024 === 0 ? 0 : 1)} KiB`;
  return `${value} B`;
}

/**
 * The first element inside `root` that a selector of the page's own finds.
 * @param {ParentNode} root
 * @param {string} selector
 */
export const inside = (root, selector) => /** @type {HTMLElement} */ (root.querySelector(selector));

/** The element inside `root` that shows `what`. */
export const shower = (/** @type {ParentNode} */ root, /** @type {string} */ what) =>
  inside(root, `[data-show="${what}"]`);

/**
 * The button inside `root` that does `what`.
 * @param {ParentNode} root
 * @param {string} what
 */
export const button = (root, what) => /** @type {HTMLButtonElement} */ (inside(root, `[data-act="${what}"]`));

/**
 * An element with a class and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {...(string | Node)} children
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/**
 * Adds a row to an experiment's list. Old rows go.
 * @param {HTMLElement} list
 * @param {'out' | 'in' | 'note' | 'good' | 'bad'} kind
 * @param {...(string | Node)} children
 */
export function wireRow(list, kind, ...children) {
  const mark = { out: '→', in: '←', note: '·', good: '✓', bad: '✕' }[kind];
  list.append(element('li', kind, element('span', 'arrow', mark), element('span', '', ...children)));
  while (list.children.length > 6) list.firstElementChild?.remove();
}

/** A close code and its reason as a row. */
export function closeRow(
  /** @type {HTMLElement} */ list,
  /** @type {string} */ who,
  /** @type {{ readonly code: number, readonly reason: string }} */ { code, reason },
) {
  const kind = code === 1000 ? 'good' : 'bad';
  const words = reason || (code === 1006 ? 'no close frame: the connection was cut' : '');
  wireRow(list, kind, `${who} `, element('b', 'code', String(code)), ` ${words}`);
}
