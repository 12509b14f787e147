/** The connections of the admin port: few, and a client that holds many gives way to one that comes anew. */
import type { AdminConnection } from './connection.ts';
import { placesOfGreatest } from './share.ts';

/** Scrapers, probes and the people who are called at the same time, several times over. */
const most = 100;

export class AdminConnections {
  /** In the order of their last request. */
  readonly #open = new Set<AdminConnection>();

  /** Takes one in; where there are too many, another is closed. */
  add(connection: AdminConnection): void {
    if (this.#open.size >= most) this.#makeRoom();
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
  }

  /** It has been served, so it is the youngest again. */
  touch(connection: AdminConnection): void {
    if (this.#open.delete(connection)) this.#open.add(connection);
  }

  closeAll(): void {
    for (const connection of this.#open) connection.destroy();
  }

  /** Of the address that holds most, one that waits for nothing, or else its oldest. */
  #makeRoom(): void {
    const candidates = placesOfGreatest(this.#open);
    const victim = candidates.find(({ busy }) => !busy) ?? candidates[0]!;
    this.#open.delete(victim);
    victim.destroy();
  }
}
