import { argon2Sync } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, test } from 'vitest';
import { BasicJudge } from '../../../../src/admission/auth/basic/basic.ts';
import { Passwords } from '../../../../src/admission/auth/basic/passwords.ts';
import { parseUsers, type Users } from '../../../../src/admission/auth/basic/users.ts';
import { textOf } from '../../../../src/config/live/watched-files.ts';
import { authRequest, edited } from './requests.ts';

const bcryptOf = (password: string) => hashSync(password, 4);
const bcrypt = bcryptOf('hunter2');
const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
function argon2Of(message: string): string {
  const nonce = Buffer.from('0123456789abcdef');
  const tag = argon2Sync('argon2id', { message, nonce, parallelism: 1, tagLength: 32, memory: 64, passes: 2 });
  return `$argon2id$v=19$m=64,t=2,p=1$${unpadded(nonce)}$${unpadded(tag)}`;
}
const argon2 = argon2Of('correct horse');
const text = `ann:${bcrypt}\n# a comment\nbob:${argon2}\n`;

async function usersOf(file: string): Promise<Users> {
  const parsed = await parseUsers(file);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.value;
}

const passwords = new Passwords();
afterAll(() => passwords.close());

const known = await usersOf(text);
const clock = { now: 0 };
const judgeWith = (compare = passwords.compare, forward = false) =>
  new BasicJudge({ users: () => known, compare, forward, now: () => clock.now });
const credentials = (pair: string | Buffer) => ['Authorization', `Basic ${Buffer.from(pair).toString('base64')}`];

describe('basic', () => {
  test.each(['ann:hunter2', 'bob:correct horse'])('lets %s in', async (pair) => {
    const decision = await judgeWith().decide(authRequest(credentials(pair)));
    expect(decision).toMatchObject({ is: 'admitted', identity: { name: pair.slice(0, 3) } });
    if (decision.is === 'admitted') expect(edited(decision.edits, credentials(pair)).lines).toEqual([]);
  });

  test.each(['ann:hunter3', 'ann:', 'bob:hunter2', 'eve:hunter2', 'ANN:hunter2', '__proto__:x', `ann:${bcrypt}`])(
    'refuses %s',
    async (pair) => {
      const decision = await judgeWith().decide(authRequest(credentials(pair)));
      expect(decision).toMatchObject({ is: 'refused', result: 'unknown', guessed: true });
    },
  );

  test.each([
    [['Authorization', 'Basic !!!'], 'malformed'],
    [['Authorization', 'Basic '], 'malformed'],
    [['Authorization', `Basic YW5u!${Buffer.from(':hunter2').toString('base64')}`], 'malformed'],
    [credentials('no colon'), 'malformed'],
    [credentials(':no name'), 'malformed'],
    // To bcrypt a password is the same as that, NUL and that again.
    [credentials('ann:hunter2\0hunter2'), 'malformed'],
    [credentials('ann:hunter2\n'), 'malformed'],
    [credentials(Buffer.from('ann:hunter\xff', 'latin1')), 'malformed'],
    [credentials(`ann:${'x'.repeat(1_000_000)}`), 'too_long'],
    [[...credentials('ann:hunter2'), ...credentials('ann:hunter2')], 'several'],
  ])('refuses what is none: %#', async (headers, result) => {
    expect(await judgeWith().decide(authRequest(headers))).toMatchObject({ is: 'refused', result });
  });

  test.each([argon2Of, bcryptOf])('takes the whole password into account', async (hashOf) => {
    const password = 'é'.repeat(36);
    const decide = async (kept: string, typed: string) => {
      const users = await usersOf(`ann:${hashOf(kept)}`);
      const judge = new BasicJudge({ users: () => users, compare: passwords.compare, forward: false, now: () => 0 });
      return judge.decide(authRequest(credentials(`ann:${typed}`)));
    };
    expect(await decide(password, password)).toMatchObject({ is: 'admitted' });
    expect(await decide(password, `${password}x`)).toMatchObject({ is: 'refused', result: 'unknown' });
    expect(await decide(`${password}x`, `${password}y`)).toMatchObject({ is: 'refused', result: 'unknown' });
  });

  test('compares once, whatever comes meanwhile and for five minutes, and again with another hash', async () => {
    let compared = 0;
    const judge = judgeWith(async (hash, password) => {
      compared++;
      return passwords.compare(hash, password);
    });
    const request = authRequest(credentials('ann:hunter2'));
    await Promise.all([judge.decide(request), judge.decide(request)]);
    clock.now += 299_000;
    expect(judge.decide(request)).not.toBeInstanceOf(Promise);
    expect(compared).toBe(1);
    clock.now += 2000;
    await judge.decide(request);
    expect(compared).toBe(2);
  });

  test('compares the password of nobody too, so that time tells nothing', async () => {
    const hashes: string[] = [];
    const judge = judgeWith(async (hash) => {
      hashes.push(hash);
      return true;
    });
    // Even if that password is right, it is not of this name.
    expect(await judge.decide(authRequest(credentials('eve:hunter2')))).toMatchObject({ result: 'unknown' });
    expect(hashes).toEqual([bcrypt]);
  });

  test('a password that is right for somebody else is forgotten as soon as any wrong one', async () => {
    let compared = 0;
    const judge = judgeWith(async () => ++compared > 0);
    const request = authRequest(credentials('eve:hunter2'));
    await judge.decide(request);
    clock.now += 1999;
    expect(judge.decide(request)).toMatchObject({ result: 'unknown' });
    clock.now += 1;
    expect(await judge.decide(request)).toMatchObject({ result: 'unknown' });
    expect(compared).toBe(2);
  });

  test('is not available while too many wait, and forgets that at once', async () => {
    const judge = judgeWith(async () => null);
    const request = authRequest(credentials('ann:hunter2'));
    expect(await judge.decide(request)).toMatchObject({ result: 'unavailable', guessed: false });
    expect(judge.decide(request)).toBeInstanceOf(Promise);
  });

  test('lets nobody in while its file cannot be read', () => {
    const judge = new BasicJudge({ users: () => null, compare: passwords.compare, forward: false, now: () => 0 });
    expect(judge.decide(authRequest(credentials('ann:hunter2')))).toMatchObject({ result: 'unavailable' });
    expect(judge.brings(authRequest(['Authorization', 'Bearer x']))).toBe(false);
  });
});

describe('the thread that compares', () => {
  test('takes so many questions and no more, and answers nobody when it is closed', async () => {
    const own = new Passwords();
    const all = Array.from({ length: 33 }, () => own.compare(bcrypt, 'x'));
    expect(await all.at(-1)).toBeNull();
    expect(own.waiting).toBe(32);
    own.close();
    expect(await Promise.all(all)).toEqual(new Array(33).fill(null));
    expect(await own.compare(bcrypt, 'hunter2')).toBe(true);
    own.close();
  });
});

test('a file of users as Windows writes it', async () => {
  const mark = Buffer.from([0xef, 0xbb, 0xbf]);
  const judged = textOf({ file: 'users', bytes: Buffer.concat([mark, Buffer.from(text.replaceAll('\n', '\r\n'))]) });
  expect('value' in judged && [...(await usersOf(judged.value))]).toEqual([...known]);
});

test.each([
  ['', 'holds no user'],
  ['ann', 'line 1 is no user'],
  ['ann:hunter2', 'line 1: the password is no hash'],
  ['ann:$apr1$a$b', 'line 1: the password is no hash'],
  [`ann:${bcrypt.replace('$04$', '$20$')}`, 'a cost of 20'],
  [`ann:${bcrypt}\nann:${bcrypt}`, 'line 2 repeats a user'],
  [`bob:${argon2.replace('m=64', 'm=99999999')}`, 'asks for too much'],
  [`bob:${argon2.replace('p=1', 'p=0')}`, 'asks for too much or too little'],
])('a file of users %j: %s', async (file, problem) => {
  const parsed = await parseUsers(file);
  expect('problem' in parsed && parsed.problem).toContain(problem);
  expect(JSON.stringify(parsed)).not.toContain('hunter2');
});
