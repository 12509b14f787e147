/** The few DOM helpers of the page. They touch a node only where something changed, so that a tick costs little. */

/**
 * Elements of index.html that are more than any element is.
 * @typedef {{
 *   connections: HTMLTableElement,
 *   routes: HTMLTableElement,
 *   violations: HTMLTableElement,
 *   'routes-search': HTMLInputElement,
 *   'connections-search': HTMLInputElement,
 *   'violations-search': HTMLInputElement,
 *   'token-input': HTMLInputElement,
 *   'route-find': HTMLFormElement,
 *   'route-find-path': HTMLInputElement,
 *   token: HTMLFormElement,
 *   'route-pick': HTMLSelectElement,
 *   closing: HTMLDialogElement,
 *   'closing-do': HTMLButtonElement,
 * }} Kinds
 */

/**
 * The element with this id.
 * @template {string} Id
 * @param {Id} id
 */
export const byId = (id) =>
  /** @type {Id extends keyof Kinds ? Kinds[Id] : HTMLElement} */ (document.getElementById(id));

/**
 * The first element inside `root` that a selector of the page's own finds.
 * @param {Element} root
 * @param {string} selector
 */
export const inside = (root, selector) => /** @type {HTMLElement} */ (root.querySelector(selector));

/**
 * An element with a class and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...(string | Node)} children
 */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Sets a node's text. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or (with `null`) removes an attribute. */
export function setAttribute(
  /** @type {Element} */ node,
  /** @type {string} */ name,
  /** @type {string | null} */ value,
) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/**
 * A table cell; `label` is what a narrow screen shows before it.
 * @param {string} label
 * @param {'td' | 'th'} tag
 */
export function cell(label, className = '', tag = 'td') {
  const made = element(tag, className);
  made.dataset.label = label;
  if (tag === 'th') made.scope = 'row';
  return made;
}

/**
 * A row of a table, and how it is brought up to date.
 * @template Item
 * @typedef {{ node: HTMLTableRowElement, update(item: Item): void }} Row
 */

/** A cell with a number and a smaller one below. */
export function pairCell(/** @type {string} */ label) {
  const first = element('span');
  const second = element('small');
  const node = cell(label, 'n');
  node.append(first, second);
  return {
    node,
    show(/** @type {string} */ text, /** @type {string} */ below) {
      setText(first, text);
      setText(second, below);
    },
  };
}

/**
 * Keeps a table's rows the same as a list: a row lives as long as its key, and keeps focus when it moves.
 * @template {string | number} Key
 * @template Item
 */
export class Rows {
  #body;
  #make;
  /** @type {Map<Key, Row<Item>>} */
  #rows = new Map();

  /**
   * `make` builds a row for a key.
   * @param {HTMLTableSectionElement} body
   * @param {(key: Key) => Row<Item>} make
   */
  constructor(body, make) {
    this.#body = body;
    this.#make = make;
  }

  /**
   * Shows these pairs in this order.
   * @param {readonly (readonly [Key, Item])[]} entries
   */
  show(entries) {
    const wanted = new Set(entries.map(([key]) => key));
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.node.remove();
      this.#rows.delete(key);
    }
    let place = this.#body.firstElementChild;
    for (const [key, item] of entries) {
      let row = this.#rows.get(key);
      if (!row) {
        row = this.#make(key);
        this.#rows.set(key, row);
      }
      row.update(item);
      if (row.node === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row.node, place);
    }
  }
}
