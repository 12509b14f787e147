/**
 * A store of quotas as far as Sluice speaks to one: it counts as the script does, and answers otherwise where a test
 * says so.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { closed, listen } from './listen.ts';

/** Bytes in the place of the store's own answer; `null` for that one, and `''` for none. */
export type OddAnswer = (command: readonly string[]) => string | null;

export class FakeStore implements AsyncDisposable {
  port = 0;
  /** Every command so far; scripts stand as they came. */
  readonly commands: string[][] = [];
  /** What a key holds of each pod. */
  readonly counts = new Map<string, Map<string, number>>();
  answer: OddAnswer = () => null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #paid = new Map<string, number>();

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<FakeStore> {
    const store = new FakeStore();
    store.port = await listen(store.#server);
    return store;
  }

  /** Cuts who is there; further ones may come. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Says something that nobody has asked for. */
  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /** The connections of all pods under the only key of a kind. */
  sumOf(kind: string): number {
    const [key] = [...this.counts.keys()].filter((name) => name.includes(`:${kind}:`));
    return [...(this.counts.get(key ?? '')?.values() ?? [])].reduce((sum, own) => sum + own, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await closed(this.#server);
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let rest = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      rest += text;
      for (let found = takeCommand(rest); found !== null; found = takeCommand(rest)) {
        rest = rest.slice(found.length);
        this.commands.push(found.command);
        socket.write(this.answer(found.command) ?? this.#answer(found.command));
      }
    });
  }

  #answer([name, , keyCount = '', ...rest]: readonly string[]): string {
    if (name !== 'EVAL' && name !== 'EVALSHA') return '+OK\r\n';
    const keys = rest.slice(0, Number(keyCount));
    const [pod = '', , countCount, ...numbers] = rest.slice(keys.length);
    const counts = keys.slice(0, Number(countCount)).map((key, i) => {
      const [cap = 0, own = 0] = numbers.slice(2 * i).map(Number);
      return { key, cap, own };
    });
    for (const [i, { key, cap, own }] of counts.entries()) {
      const others = [...(this.counts.get(key) ?? [])].filter(([other]) => other !== pod);
      const sum = others.reduce((all, [, one]) => all + one, own);
      if (cap >= 0 && sum > cap) return `*2\r\n:${i + 1}\r\n:${sum}\r\n`;
    }
    const rates = keys
      .slice(counts.length)
      .map((key, i) => ({ key, burst: Number(numbers[2 * (counts.length + i) + 1]) }));
    for (const [i, { key, burst }] of rates.entries()) {
      // Nothing is paid off while a test lasts.
      if ((this.#paid.get(key) ?? 0) >= burst) return `*2\r\n:${counts.length + i + 1}\r\n:1500\r\n`;
    }
    for (const { key, own } of counts) {
      const pods = this.counts.get(key) ?? new Map<string, number>();
      this.counts.set(key, pods);
      if (own > 0) pods.set(pod, own);
      else pods.delete(pod);
    }
    for (const { key } of rates) this.#paid.set(key, (this.#paid.get(key) ?? 0) + 1);
    return '*2\r\n:0\r\n:0\r\n';
  }
}

/** The first command of a text, and how long it is there; `null` where it is not whole. */
function takeCommand(text: string): { readonly command: string[]; readonly length: number } | null {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  const command: string[] = [];
  let at = head[0].length;
  for (let i = 0; i < Number(head[1]); i++) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 16));
    if (size === null) return null;
    const from = at + size[0].length;
    at = from + Number(size[1]) + 2;
    if (at > text.length) return null;
    command.push(text.slice(from, at - 2));
  }
  return { command, length: at };
}
