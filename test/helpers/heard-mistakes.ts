/** Mistakes are survived, as in a command, for as long as this is there. */
import { surviveMistakes } from '../../src/mistakes.ts';

export class HeardMistakes implements Disposable {
  /** What was thrown, in words. */
  readonly told: string[] = [];

  constructor() {
    surviveMistakes((error) => this.told.push((error as Error).message));
  }

  [Symbol.dispose](): void {
    surviveMistakes(null);
  }
}
