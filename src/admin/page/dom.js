/** The few DOM helpers of the page. They touch a node only where something changed, so that a tick costs little. */

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/** An element with a class and children (strings or elements). */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Sets a node's text. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets or (with `null`) removes an attribute. */
export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/** A table cell; `label` is what a narrow screen shows before it. */
export function cell(label, className = '', tag = 'td') {
  const made = element(tag, className);
  made.dataset.label = label;
  if (tag === 'th') made.scope = 'row';
  return made;
}

/** Keeps a table's rows the same as a list: a row lives as long as its key, and keeps focus when it moves. */
export class Rows {
  #body;
  #make;
  #rows = new Map();

  /** `make` builds a row for a key: `{node, update(item)}`. */
  constructor(body, make) {
    this.#body = body;
    this.#make = make;
  }

  /** Shows these `[key, item]` pairs in this order. */
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
