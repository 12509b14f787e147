import { expect, test } from 'vitest';
import { Loan } from '../../../src/admission/loan.ts';

function lender(told: string[]) {
  return (name: string) => ({ name, [Symbol.dispose]: () => void told.push(name) });
}

test('what was lent goes back once, the last first', () => {
  const told: string[] = [];
  const lend = lender(told);
  const loan = new Loan();
  const first = lend('first');
  expect(loan.use(first)).toBe(first);
  loan.use(lend('second'));
  loan.dispose();
  loan.dispose();
  expect(told).toEqual(['second', 'first']);
});

test('a mistake in one keeps no other, and is thrown', () => {
  const told: string[] = [];
  const lend = lender(told);
  const loan = new Loan();
  loan.use(lend('first'));
  loan.use({
    [Symbol.dispose]: () => {
      throw new Error('mine');
    },
  });
  loan.use(lend('third'));
  expect(() => loan.dispose()).toThrow('mine');
  expect(told).toEqual(['third', 'first']);
});
