import { expect, test } from 'vitest';
import { alertGroups } from '../../../../monitoring/alerts/index.ts';
import { limits } from '../../../../src/catalogue/limits.ts';
import { connectionOutcomes, handshakeOutcomes } from '../../../../src/catalogue/outcomes.ts';
import { watchedAuth, watchedEndings, watchedLimits, watchedResults } from '../../../../src/observe/metrics/watched.ts';
import { anyCaps } from '../../../helpers/access.ts';
import { senderLimits, testRoute } from '../../../helpers/relay.ts';

const expressions = JSON.stringify(alertGroups);

/** The names that alerts ask for in a label; what becomes of log lines, and of credentials, has names of its own. */
function askedFor(label: string): string[] {
  const ofConnections = expressions.replaceAll(/sluice_(?:log_lines_dropped|auth)_total\{[^}]*\}/g, '');
  const selectors = ofConnections.matchAll(new RegExp(`\\b${label}=~?\\\\"([^"\\\\]+)\\\\"`, 'g'));
  return [...new Set([...selectors].flatMap((match) => match[1]!.split('|')))];
}

const bound = testRoute({ connections: { ...anyCaps, max: 1, maxPerAddress: 1, maxPerUser: 1 }, requireOrigin: true });

test('what alerts ask for by name is in the catalogue, and is there before it happens', () => {
  expect(askedFor('reason').toSorted()).toEqual(watchedEndings.map(([, reason]) => reason as string).toSorted());
  expect(askedFor('result').toSorted()).toEqual((watchedResults(bound) as string[]).toSorted());
  for (const reason of askedFor('reason')) expect(Object.keys(connectionOutcomes)).toContain(reason);
  for (const result of askedFor('result')) expect(Object.keys(handshakeOutcomes)).toContain(result);
  for (const limit of askedFor('limit')) expect(Object.keys(limits)).toContain(limit);
});

test('a kind of authentication that may find nobody who can tell is there before it happens, and no other', () => {
  const results = [...expressions.matchAll(/sluice_auth_total\{result=\\"([^"\\]+)\\"/g)].map(([, result]) => result);
  expect(new Set(results)).toEqual(new Set(['unavailable']));
  const auth = [{ kind: 'header' }, { kind: 'basic' }, { kind: 'basic' }, { kind: 'client_cert' }, { kind: 'forward' }];
  expect(watchedAuth(testRoute({ auth: auth as never }))).toEqual(['basic', 'forward']);
  expect(watchedAuth(testRoute())).toEqual([]);
});

test('a limit that never ends anything is not there: infinite, off, or a rate that pauses', () => {
  expect(watchedLimits(senderLimits())).toEqual(['max_control_rate']);
  const pause = { perSecond: 1, burst: 1, action: 'pause' } as const;
  expect(watchedLimits(senderLimits({ messageRate: pause, byteRate: { ...pause, action: 'close' } }))).toEqual([
    'max_byte_rate',
    'max_control_rate',
  ]);
  expect(watchedLimits(senderLimits({ maxMessageBytes: 1, messageTimeoutMs: 1 }))).toEqual([
    'max_message_size',
    'message_timeout',
    'max_control_rate',
  ]);
});

test('a route that admits everybody has no refusals by cap or origin', () => {
  const open = testRoute({
    connections: { ...anyCaps, max: Number.POSITIVE_INFINITY, maxPerAddress: Number.POSITIVE_INFINITY },
  });
  expect(watchedResults(open)).toEqual(['memory']);
});
