import { expect, test } from 'vitest';
import { OwnAddresses } from '../../../src/upstream/own-addresses.ts';

test('a system that does not say which addresses are its own keeps nobody from connecting', () => {
  const own = new OwnAddresses(
    () => [{ kind: 'tcp', host: '0.0.0.0', port: 8080 }],
    () => {
      throw new Error('EMFILE');
    },
  );
  expect(own.refuse('203.0.113.1', 8080)).toBeNull();
  expect(own.refuse('127.0.0.1', 8080)).toContain('Sluice itself listens');
});
