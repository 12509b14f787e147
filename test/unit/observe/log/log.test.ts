import { expect, test } from 'vitest';
import { createLog, shownRoutePath } from '../../../../src/observe/log/log.ts';

const everything = { level: 'info', open: 1, end: 1, maxRate: null, user: 'plain' } as const;

test.each([
  ['/user/ann/lab', '/user/[user]/lab'],
  ['/base/user/a%2Fb', '/base/user/[user]'],
  ['/%75ser/ann/', '/%75ser/[user]/'],
  ['/user/ann%40uni/server/', '/user/[user]/server/'],
  ['/user/', '/user/'],
  ['/hub', '/hub'],
  ['/services/user-list/ann', '/services/user-list/ann'],
])('the path of a route, %s, names no user where the log names none', (path, shown) => {
  const log = createLog({ write() {} });
  expect(shownRoutePath(log, path)).toBe(path);
  for (const user of ['hashed', 'off'] as const) {
    log.configure({ ...everything, user });
    expect(shownRoutePath(log, path)).toBe(shown);
  }
});
