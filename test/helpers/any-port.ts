/**
 * Loaded into a program before its own code: each port on which it wants to listen becomes a free one, and a line of
 * the file that `ANY_PORT_FILE` names says which. So a program takes the flags that people give it, and two of them run
 * beside each other. (A channel to the program that started it would not live through `process.execve`.)
 */
import { appendFileSync } from 'node:fs';
import { type AddressInfo, Server } from 'node:net';

/** A port or a unix socket that was wanted, and which port it became. */
export interface PlaceTold {
  readonly wanted: number | string;
  /** 0 for a unix socket. */
  readonly port: number;
}

type Listen = (this: Server, ...args: unknown[]) => Server;
const listen = Server.prototype.listen as Listen;

const onAnyPort: Listen = function (...args) {
  const [given, ...rest] = args as [number | string];
  // A port may be given in digits too.
  const wanted = /^\d+$/.test(String(given)) ? Number(given) : given;
  this.once('listening', () => {
    const told: PlaceTold = { wanted, port: (this.address() as AddressInfo).port ?? 0 };
    appendFileSync(process.env.ANY_PORT_FILE!, `${JSON.stringify(told)}\n`);
  });
  return listen.call(this, typeof wanted === 'number' ? 0 : wanted, ...rest);
};

Server.prototype.listen = onAnyPort as typeof Server.prototype.listen;
