import { expect, test } from 'vitest';
import { nextUpdateOf } from '../../../../src/config/live/revocation-list.ts';
import { emptyList, oldList, revokedList } from '../../../helpers/client-ca.ts';

test('a list says until when it holds, in either form of a time', () => {
  expect(nextUpdateOf(oldList)).toEqual(new Date('2021-01-01T00:00:00Z'));
  expect(nextUpdateOf(revokedList)).toEqual(new Date('2126-11-05T16:03:56Z'));
});

const bytes = (...values: number[]) => Buffer.from(values);
const tagged = (tag: number, ...content: Buffer[]) =>
  Buffer.concat([bytes(tag, Buffer.concat(content).length), ...content]);
const sequence = (...content: Buffer[]) => tagged(0x30, ...content);
const utc = (text: string) => tagged(0x17, Buffer.from(text));
const pem = (der: Buffer) => `-----BEGIN X509 CRL-----\n${der.toString('base64')}\n-----END X509 CRL-----`;
const list = (...fields: Buffer[]) => pem(sequence(sequence(sequence(), sequence(), utc('200101000000Z'), ...fields)));

test('of a list without a version too, and of the last century', () => {
  expect(nextUpdateOf(list(utc('991231235959Z')))).toEqual(new Date('1999-12-31T23:59:59Z'));
});

test('one that does not say, or is cut short, has no end', () => {
  expect(nextUpdateOf(list())).toBeNull();
  expect(nextUpdateOf(list(sequence()))).toBeNull();
  expect(nextUpdateOf(list(utc('9912312359Z')))).toBeNull();
  // No time that there is, which OpenSSL reads all the same.
  expect(nextUpdateOf(list(utc('991331235959Z')))).toBeNull();
  const der = Buffer.from(emptyList.replace(/-----[^-]*-----/g, ''), 'base64');
  for (let length = 0; length < 60; length++) expect(nextUpdateOf(pem(der.subarray(0, length)))).toBeNull();
});
