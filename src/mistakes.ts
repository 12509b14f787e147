/**
 * Mistakes of Sluice's own where nobody waits to hear of them: in an event of a socket, or when a clock strikes. Each
 * ends the connection in which it was made. It does not end the process, and with it the connections of everybody else.
 */

let hear: ((error: unknown) => void) | null = null;

/** From now on mistakes are heard by this function, and survived. By `null`, as in tests, each is thrown again. */
export function surviveMistakes(hears: ((error: unknown) => void) | null): void {
  hear = hears;
}

/** Call it with what was caught, and end the connection in which it happened. */
export function tellMistake(error: unknown): void {
  if (hear === null) throw error;
  hear(error);
}

/** Calls something; a mistake in it is told, and `end` ends that in which it was made. */
export function contain(call: () => void, end: () => void): void {
  try {
    call();
  } catch (error) {
    tellMistake(error);
    end();
  }
}

/** Goes on with what nobody waits for; a mistake in it is told, and `end` ends that in which it was made. */
export function workAside(work: Promise<unknown>, end: () => void = () => {}): void {
  work.catch((error) => {
    tellMistake(error);
    contain(end, () => {});
  });
}
