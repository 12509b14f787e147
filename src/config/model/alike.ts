/** Makes one object of all that are alike. Thousands of routes differ in their names, and hardly in their limits. */
export class Alike {
  readonly #known = new Map<string, object>();
  readonly #ids = new Map<object, number>();

  /** The same plain data (objects, arrays and what JSON has, with infinities), with equal parts being one object. */
  of<T>(value: T): T {
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([name, part]) => [name, this.of(part)] as const);
    const parts = entries.map(([name, part]) => `${JSON.stringify(name)}:${this.#nameOf(part)}`);
    const key = `${Array.isArray(value) ? '[' : '{'}${parts.join(',')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known as T;
    const shared = Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
    this.#known.set(key, shared);
    this.#ids.set(shared, this.#ids.size);
    return shared as T;
  }

  #nameOf(part: unknown): string {
    if (typeof part === 'object' && part !== null) return `#${this.#ids.get(part)}`;
    return typeof part === 'string' ? JSON.stringify(part) : String(part);
  }
}
