import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/relay/system-clock.ts';
import { socketPair } from '../../helpers/relay.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Keeps the thread, as a process that is stopped keeps it. */
function stand(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('what has arrived while the process stood still is read before a time that is over is told', async () => {
  const [end, side] = await socketPair();
  onTestFinished(() => {
    end.destroy();
    side.destroy();
  });
  const order: string[] = [];
  side.on('data', () => order.push('read')).resume();
  await turn();
  const over = Promise.withResolvers<void>();
  systemClock.after(1, () => {
    order.push('over');
    over.resolve();
  });
  end.write('here I am');
  stand(5);
  await Promise.all([over.promise, once(side, 'data')]);
  expect(order).toEqual(['read', 'over']);
});

test('what is called off does not come, also when its time is over already', async () => {
  let calls = 0;
  const [early, late] = [0, 0].map(() => systemClock.after(1, () => calls++));
  early!.cancel();
  const cancelled = Promise.withResolvers<void>();
  // Behind the timer of the other, and before what that has put off.
  setTimeout(() => {
    late!.cancel();
    cancelled.resolve();
  }, 1);
  stand(5);
  await cancelled.promise;
  await turn();
  await turn();
  expect(calls).toBe(0);
});
