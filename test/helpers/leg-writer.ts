/** A leg's writer without a leg. */
import type { Socket } from 'node:net';
import type { MemoryBudget } from '../../src/relay/memory/memory-budget.ts';
import { LegWriter } from '../../src/relay/transport/leg-writer.ts';
import { outputOf } from '../../src/relay/transport/output.ts';

/** A writer to a socket, as a leg has it. `onDrain`: waiting bytes have been accepted. */
export function legWriter(socket: Socket, masks: boolean, budget: MemoryBudget, onDrain = () => {}): LegWriter {
  const output = outputOf(socket, () => {
    if (writer.accepted()) onDrain();
  });
  const writer = new LegWriter(output, masks, budget);
  return writer;
}
