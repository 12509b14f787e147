import { describe, expect, test } from 'vitest';
import { Changes } from '../../../src/http/changes.ts';

function changed(change: (changes: Changes) => void): Changes {
  const changes = new Changes();
  change(changes);
  return changes;
}

test('without a change all stays as it is', () => {
  const changes = new Changes();
  expect(changes.target('/a?b=c')).toBe('/a?b=c');
  expect(changes.line('Cookie', ' a=b;; c')).toBe(' a=b;; c');
  expect(changes.line('Sec-WebSocket-Protocol', 'a,b')).toBe('a,b');
  expect(changes.set).toEqual([]);
});

describe('a field', () => {
  test('that is set takes the place of what the client sent, in every spelling', () => {
    const changes = changed((all) => all.setField('X-User', 'ann'));
    expect(changes.set).toEqual([['X-User', 'ann']]);
    for (const name of ['X-User', 'x_user', 'X.USER']) expect(changes.line(name, 'eve')).toBe(null);
    expect(changes.line('X-Users', 'eve')).toBe('eve');
  });

  test('that is added stands beside what came', () => {
    const changes = changed((all) => {
      expect(all.addField('Set-Cookie', 's=2')).toBe(true);
      expect(all.addField('Set-Cookie', 's=2\r\nX: 1')).toBe(false);
      expect(all.addField('Connection', 'close')).toBe(false);
      all.setField('X-Ends', 'soon');
    });
    expect(changes.all(['Set-Cookie', 'b=1', 'x-ends', 'never', 'A', '1'])).toEqual([
      'Set-Cookie',
      'b=1',
      'A',
      '1',
      'Set-Cookie',
      's=2',
      'X-Ends',
      'soon',
    ]);
  });

  test.each(['', 'a', 'a b\tc', '\xc3\xa4', '"', 'a'.repeat(100_000)])('may be set to %j', (value) => {
    expect(changed((all) => expect(all.setField('X', value)).toBe(true)).set).toEqual([['X', value]]);
  });

  test.each(['a\r\nb', 'a\n', '\0', ' ann', 'ann ', '\tann', '\x7f', '\u0100', 'ann\r'])(
    'is not set to %j, and what the client sent goes no further either',
    (value) => {
      const changes = changed((all) => expect(all.setField('X-User', value)).toBe(false));
      expect([changes.set, changes.line('X-User', 'eve')]).toEqual([[], null]);
    },
  );

  test('that is text is written as UTF-8', () => {
    const { set } = changed((all) => expect(all.setText('X-User', 'Jos\u00e9 \u4e2d')).toBe(true));
    expect(Buffer.from(set[0]![1], 'latin1').toString()).toBe('Jos\u00e9 \u4e2d');
  });

  test('that is removed goes no further', () => {
    expect(changed((all) => all.removeField('Authorization')).line('authorization', 'Basic x')).toBe(null);
  });

  test('that is removed or set is known, in every spelling', () => {
    const changes = changed((all) => {
      all.removeField('Authorization');
      all.setField('X-Forwarded-Proto', 'https');
    });
    expect(
      ['AUTHORIZATION', 'x-forwarded-proto', 'X_Forwarded_Proto', 'x-other'].map((name) => changes.removes(name)),
    ).toEqual([true, true, true, false]);
  });
});

describe('a query parameter', () => {
  const { target } = {
    target: (text: string) => changed((all) => all.removeParameter('access token')).target(text),
  };

  test.each([
    ['/a?access+token=1', '/a'],
    ['/a?b&access%20token=1&c=%2f', '/a?b&c=%2f'],
    ['/a?access%20token', '/a'],
    ['/a?ACCESS+TOKEN=1', '/a?ACCESS+TOKEN=1'],
    ['/a?%zz=1&x=?', '/a?%zz=1&x=?'],
    ['/access+token=1', '/access+token=1'],
    ['/a?', '/a?'],
  ])('is removed from %s', (before, after) => {
    expect(target(before)).toBe(after);
  });
});

describe('a cookie', () => {
  const line = (value: string) => changed((all) => all.removeCookie('session')).line('cookie', value);

  test.each([
    ['session=1', null],
    ['a=1; session=2; b="session=3"', 'a=1; b="session=3"'],
    ['session=2; b=3; session=4', 'b=3'],
    ['Session=2; xsession=3', 'Session=2; xsession=3'],
    ['a=1;b=2', 'a=1;b=2'],
  ])('is removed from %s', (before, after) => {
    expect(line(before)).toBe(after);
  });
});

describe('a subprotocol', () => {
  const line = (value: string) =>
    changed((all) => all.removeSubprotocol('token.x')).line('Sec-WebSocket-Protocol', value);

  test.each([
    ['token.x', null],
    ['bokeh,  token.x, v1', 'bokeh, v1'],
    ['Token.x, b', 'Token.x, b'],
  ])('is removed from %s', (before, after) => {
    expect(line(before)).toBe(after);
  });

  test('is removed among as many as somebody likes to name', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `token.${i}`);
    const all = changed((changes) => {
      for (const name of names) changes.removeSubprotocol(name);
    });
    expect(all.line('Sec-WebSocket-Protocol', `bokeh, ${names.join(', ')}, v1`)).toBe('bokeh, v1');
    expect(all.line('Sec-WebSocket-Protocol', 'bokeh,v1')).toBe('bokeh,v1');
  });
});
