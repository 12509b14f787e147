import { expect, test } from 'vitest';
import { AuthFailures } from '../../../../src/admission/auth/failures.ts';

function failuresAt() {
  const clock = { now: 1000 };
  return { clock, failures: new AuthFailures(() => clock.now) };
}

test('after twenty failures an address waits, and then may try once in three seconds', () => {
  const { clock, failures } = failuresAt();
  for (let i = 0; i < 19; i++) failures.add('a');
  expect(failures.waitSeconds('a')).toBe(0);
  failures.add('a');
  expect(failures.waitSeconds('a')).toBe(3);
  expect(failures.waitSeconds('b')).toBe(0);
  clock.now += 3000;
  expect(failures.waitSeconds('a')).toBe(0);
  failures.add('a');
  expect(failures.waitSeconds('a')).toBe(3);
});

test('an address waits for a minute at most, however many failures came at once', () => {
  const failures = new AuthFailures(() => 0);
  for (let i = 0; i < 1000; i++) failures.add('198.51.100.1');
  expect(failures.waitSeconds('198.51.100.1')).toBe(60);
});

test('addresses are forgotten when they have been quiet for long enough, and when there are too many', () => {
  const { clock, failures } = failuresAt();
  for (let i = 0; i < 10_050; i++) failures.add(String(i));
  expect(failures.size).toBe(10_000);
  clock.now += 10_000;
  failures.add('x');
  expect(failures.size).toBe(1);
});
