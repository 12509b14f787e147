import fc from 'fast-check';
import { expect, test } from 'vitest';
import { longestHeader, readProxyHeader } from '../../../src/front/proxy/header.ts';
import { expectEqual } from '../../helpers/often.ts';
import { proxyBlock, proxyTcp4, proxyTcp6 } from '../../helpers/proxy-header.ts';

const ports = fc.integer({ min: 0, max: 65_535 });
const line = fc
  .tuple(
    fc.oneof(fc.tuple(fc.constant('TCP4'), fc.ipV4(), fc.ipV4()), fc.tuple(fc.constant('TCP6'), fc.ipV6(), fc.ipV6())),
    ports,
    ports,
  )
  .map(([[family, from, to], source, destination]) =>
    Buffer.from(`PROXY ${family} ${from} ${to} ${source} ${destination}\r\n`),
  );
const block = fc
  .tuple(
    fc.constantFrom(0x20, 0x21, 0x11),
    fc.constantFrom(0, 0x11, 0x21, 0x31, 0x12),
    fc.uint8Array({ maxLength: 300 }),
  )
  .map(([command, family, body]) => proxyBlock({ command, family, body: Buffer.from(body).toString('hex') }));
const headers = fc.oneof(line, block, fc.constant(proxyTcp4()), fc.constant(proxyTcp6()));
const disturbed = fc.tuple(headers, fc.nat(), fc.nat({ max: 255 })).map(([bytes, at, byte]) => {
  const changed = Buffer.from(bytes);
  changed[at % changed.length] = byte;
  return changed;
});

test('a verdict, once there, is the same with whatever comes behind it', () => {
  fc.assert(
    fc.property(fc.oneof(headers, disturbed, fc.uint8Array({ maxLength: 40 }).map(Buffer.from)), (bytes) => {
      let first: ReturnType<typeof readProxyHeader> = { is: 'partial' };
      for (let end = 1; end <= bytes.length; end++) {
        const seen = readProxyHeader(bytes.subarray(0, end));
        if (first.is !== 'partial') expectEqual(seen, first);
        first = seen;
      }
      if (first.is !== 'partial') expectEqual(readProxyHeader(Buffer.concat([bytes, Buffer.from('more')])), first);
    }),
    { numRuns: 1000 },
  );
});

test('whatever comes, there is a verdict after so many bytes', () => {
  fc.assert(
    fc.property(fc.oneof(headers, disturbed), (bytes) => {
      const filled = Buffer.concat([bytes, Buffer.alloc(longestHeader, 0x20)]);
      expect(readProxyHeader(filled).is).not.toBe('partial');
    }),
    { numRuns: 1000 },
  );
});
