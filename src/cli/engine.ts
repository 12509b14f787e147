/**
 * How V8 serves a program whose objects live as long as a connection. What is garbage soon must not be tied to anything
 * that V8 takes for old: a minor collection does not look whether an old object is still in use, and keeps all that it
 * refers to. A socket with a session and its handshake is one such knot, so one old object keeps all of it until the
 * next major collection. Those stop the process, and V8 throws code away in them.
 */
import { setFlagsFromString } from 'node:v8';

export const engineFlags = [
  /*
   * V8 makes objects old from the beginning where many of their kind have lived through two minor collections. The
   * sockets of the first seconds do. From then on every handshake left 7 KB to the next major collection, which came
   * after each 1 400 of them. Measured: without, a handshake takes 0.70 to 0.83 times the CPU.
   */
  '--no-allocation-site-pretenuring',
  /*
   * How often a function has been called before V8 compiles it for good; 3000 unless set. Until then Node's streams
   * make each socket's `onwrite` an old object, because it stands behind `this.onwrite =`: 8 000 handshakes were tied
   * to one each. Measured, with the line above, after a rest of 8 and 12 s: 0.67 and 0.73 times the CPU for a
   * handshake. A relayed message and a request of 1 KB take the same.
   */
  '--invocation-count-for-turbofan=1000',
  /*
   * A process that is quiet for some seconds is collected twice. V8 does that as if memory were short: it forgets the
   * shape of every kind of object of which none exists, and throws away all compiled code that was made for it. After a
   * night no connection exists, and the first class of the morning meets a program that runs as on its first day. So it
   * is collected as at other times. Measured: of the handshakes of the first two seconds after a rest of 14 s each
   * takes 0.5 to 0.6 times the CPU, 10 functions lose their code in place of 320, and the resting process is 19 MB
   * larger.
   */
  '--no-memory-reducer-favors-memory',
  /*
   * V8's first compiler leaves what it has worked with, some 25 MB in the first second of a busy process, to a thread
   * that frees it when it has nothing to compile. Freed late, it lies between what is in use, and `malloc` keeps it for
   * good. So it is freed by the program, at once. Measured over 10 000 refused handshakes: the process grows by 4 to 11
   * MB in place of 12 to 24, and takes the same CPU.
   */
  '--no-maglev-destroy-on-background',
  /*
   * By how much more than is in use the heap may grow before all of it is collected again, in percent. V8 allows more
   * where memory is plenty. Measured at 12 000 refused requests a second: the process grows by 30 to 40 MiB instead of
   * 70 to 87, and takes the same CPU.
   */
  '--heap-growing-percent=50',
] as const;

/**
 * Tells V8. Call it before code has run often, and when the program is loaded: Node brings its own modules compiled,
 * and V8 takes code for what was compiled under the very same flags alone. Measured: a start takes 0.62 to 0.66 s of
 * CPU in place of 0.74 to 0.87 when told before, and from a compile cache 0.50 in place of 0.71.
 */
export function tuneEngine(): void {
  for (const flag of engineFlags) setFlagsFromString(flag);
}
