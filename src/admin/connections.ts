/** The connections of the admin port. They are few, and a client that holds many gives way to a new one. */
import type { AdminConnection } from './connection.ts';
import { placesOfGreatest } from './share.ts';

/**
 * The most connections: room for scrapers, probes and the people who are called at the same time, several times over.
 */
const most = 100;

export class AdminConnections {
  /** In the order of their last request. */
  readonly #open = new Set<AdminConnection>();

  /** Takes one in. If there are too many, or there is no room, another is closed. */
  add(connection: AdminConnection, hasRoom: boolean): void {
    if (this.#open.size >= most || (!hasRoom && this.#open.size > 0)) this.#makeRoom();
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
  }

  /** Makes one that has been served the youngest again. */
  touch(connection: AdminConnection): void {
    if (this.#open.delete(connection)) this.#open.add(connection);
  }

  closeAll(): void {
    for (const connection of this.#open) connection.destroy();
  }

  /**
   * Closes one of the address that holds most: one that waits for nothing, or else its oldest. Those that have had a
   * token stay while there are others: a hub may share its address with its users' servers.
   */
  #makeRoom(): void {
    const strangers = [...this.#open].filter(({ proven }) => !proven);
    const candidates = placesOfGreatest(strangers.length > 0 ? strangers : this.#open);
    const victim = candidates.find(({ busy }) => !busy) ?? candidates[0]!;
    this.#open.delete(victim);
    victim.destroy();
  }
}
