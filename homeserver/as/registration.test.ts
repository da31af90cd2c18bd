import { afterEach, describe, expect, test } from 'vitest';
import { solve } from '#client/proof-of-work.ts';
import type { NewRegistration } from '#signalling/registration.ts';
import {
  type alpha,
  codeIn,
  email,
  otherCode,
  type TestPeople,
  type TestPeopleOptions,
  testPeople,
} from '../testing/people.ts';
import { user } from '../testing/world.ts';
import { CODE_SECONDS } from './code.ts';

const password = 'correct horse battery';
const carol = email('carol@mail.example');
const wish: NewRegistration = { email: carol, handle: 'carol', name: 'Carol', password };
const ADDRESS = '192.0.2.1';

let people: TestPeople;
afterEach(() => people.close());

const open = async (options?: TestPeopleOptions) => {
  people = await testPeople(options);
};
const begin = async (change: Partial<NewRegistration> = {}, address = ADDRESS) => {
  const { mode } = people.registration.rules;
  const work = mode === 'open' ? await solve(people.registration.challenge()) : undefined;
  return people.registration.begin({ ...wish, ...(work && { work }), ...change }, address);
};
const confirm = (id: string, code: string, handle?: string, address = ADDRESS) =>
  people.registration.confirm(id, { code, ...(handle && { handle }) }, address);
const accounts = () => people.store.db.selectFrom('accounts').selectAll().execute();

describe('registering', () => {
  test('the code that comes by e-mail makes the account, with which one signs in by handle or address', async () => {
    await open();
    const { id, expiresInSeconds } = await begin();
    expect(expiresInSeconds).toBe(600);
    const account = await confirm(id, codeIn(await people.mailTo(carol)));
    expect(account).toEqual({ user: user('@carol@alpha.example'), name: 'Carol' });
    for (const handle of ['carol', 'carol@mail.example', 'Carol@Mail.Example']) {
      const tokens = await people.sessions.signIn({ handle, password, address: ADDRESS });
      expect(tokens.account).toEqual({ ...account, administrator: false });
    }
    await expect(confirm(id, '000000')).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
  });

  test('a taken handle gets the same answer as a free one, until the code proves the address', async () => {
    await open();
    await people.administration.add({ handle: 'carol', name: 'Other', password });
    const { id } = await begin();
    const code = codeIn(await people.mailTo(carol));
    await expect(confirm(id, otherCode(code))).rejects.toMatchObject({ code: 'HOME_CODE_WRONG' });
    await expect(confirm(id, code)).rejects.toMatchObject({ code: 'HOME_HANDLE_TAKEN' });
    expect((await confirm(id, code, 'carol2')).user).toBe(user('@carol2@alpha.example'));
  });

  test('a taken address gets the same answer, and only its owner is told, without a code', async () => {
    await open();
    await people.administration.add({ handle: 'carola', name: 'Carola', password, email: carol });
    const { id, expiresInSeconds } = await begin({ email: email('CAROL@mail.example') });
    expect(expiresInSeconds).toBe(600);
    const { text, subject } = await people.mailTo(carol);
    expect(subject).toContain('already');
    expect(text).toContain('@carola@alpha.example');
    expect(text).not.toMatch(/[0-9]{6}/);
    await expect(confirm(id, '123456')).rejects.toMatchObject({ code: 'HOME_CODE_WRONG' });
    expect(await accounts()).toHaveLength(1);
  });

  test('free and taken handles and addresses take the same time', { retry: 3 }, async () => {
    await open({ registration: { mode: 'domains', emailDomains: ['mail.example' as typeof alpha] } });
    await people.administration.add({ handle: 'carol', name: 'Carol', password, email: carol });
    const time = async (handle: string, address: string) => {
      const start = performance.now();
      await begin({ handle, email: email(address) });
      return performance.now() - start;
    };
    const times: Record<'taken' | 'free', number[]> = { taken: [], free: [] };
    for (let i = 0; i < 9; i++) {
      // Of one address only three e-mails are sent; the clock goes on for the next ones.
      people.world.advance(1_200_000);
      times.taken.push(await time('carol', 'carol@mail.example'));
      times.free.push(await time(`free${i}`, `free${i}@mail.example`));
    }
    // The shortest of each: whatever else the machine does makes it longer.
    const ratio = Math.min(...times.taken) / Math.min(...times.free);
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });

  test('an address that two people register is the first one’s who proves it', async () => {
    await open();
    const first = await begin({ handle: 'one' });
    const one = codeIn(await people.mailTo(carol));
    const second = await begin({ handle: 'two' });
    const two = codeIn(await people.mailTo(carol, 2));
    await confirm(second.id, two);
    await expect(confirm(first.id, one)).rejects.toMatchObject({ code: 'HOME_EMAIL_TAKEN' });
    expect(await accounts()).toHaveLength(1);
  });

  test('no password and no code stands in the database as it is, nor does the e-mail that waits', async () => {
    await open();
    await begin();
    const code = codeIn(await people.mailTo(carol));
    const { db } = people.store;
    const text = JSON.stringify([
      await db.selectFrom('registrations').selectAll().execute(),
      await db.selectFrom('mail_queue').selectAll().execute(),
    ]);
    expect(text).toContain('$argon2id$');
    for (const secret of [password, code]) expect(text).not.toContain(secret);
  });
});

describe('codes', () => {
  test('are good for five tries, also where all come at once', async () => {
    await open();
    const { id } = await begin();
    const code = codeIn(await people.mailTo(carol));
    const tries = Array.from({ length: 12 }, () => confirm(id, otherCode(code)));
    const codes = (await Promise.allSettled(tries)).map((each) => each.status === 'rejected' && each.reason.code);
    expect(codes.filter((each) => each === 'HOME_CODE_WRONG')).toHaveLength(5);
    expect(codes.filter((each) => each === 'HOME_CODE_OVER')).toHaveLength(7);
    await expect(confirm(id, code)).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
    expect(await accounts()).toEqual([]);
  });

  test('are good for ten minutes', async () => {
    await open();
    const { id } = await begin();
    const code = codeIn(await people.mailTo(carol));
    people.world.advance(CODE_SECONDS * 1_000);
    await expect(confirm(id, code)).rejects.toMatchObject({ code: 'HOME_CODE_OVER' });
    await people.sweep();
    expect(await people.store.db.selectFrom('registrations').selectAll().execute()).toEqual([]);
  });

  test('make one account, also where the right one comes twice at once', async () => {
    await open();
    const { id } = await begin();
    const code = codeIn(await people.mailTo(carol));
    const results = await Promise.allSettled([confirm(id, code), confirm(id, code, 'carol2')]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await accounts()).toHaveLength(1);
  });
});

describe('limits', () => {
  test('of one address: three e-mails, then one in twenty minutes, whoever asks', async () => {
    await open({ registration: { mode: 'domains', emailDomains: ['mail.example' as typeof alpha] } });
    for (let i = 0; i < 3; i++) await begin({}, `192.0.2.${i}`);
    await expect(begin({}, '192.0.2.9')).rejects.toMatchObject({ code: 'HOME_MAIL_LIMIT' });
    await expect(begin({ email: email('Carol@MAIL.example') })).rejects.toMatchObject({ code: 'HOME_MAIL_LIMIT' });
    await begin({ email: email('dora@mail.example') });
    people.world.advance(1_200_000);
    await begin();
  });

  test('of one IP address: thirty requests and forty codes in a row', async () => {
    await open({ registration: { mode: 'domains', emailDomains: ['mail.example' as typeof alpha] } });
    const refused = { email: email('carol@elsewhere.example') };
    for (let i = 0; i < 30; i++) await expect(begin(refused)).rejects.toMatchObject({ code: 'HOME_EMAIL_REFUSED' });
    await expect(begin(refused)).rejects.toMatchObject({ code: 'HOME_SLOW_DOWN' });
    await begin({}, '192.0.2.2');
    const codes = [];
    for (let i = 0; i < 41; i++) codes.push(await confirm('A'.repeat(22), '000000').catch((error) => error.code));
    expect(codes.indexOf('HOME_SLOW_DOWN')).toBe(40);
  });
});

describe('modes', () => {
  test('closed: nobody registers, and nothing is sent', async () => {
    await open({ registration: { mode: 'closed' } });
    expect(people.registration.rules).toEqual({ mode: 'closed', emailDomains: [], passwordReset: true });
    await expect(begin()).rejects.toMatchObject({ code: 'HOME_REGISTRATION_CLOSED' });
    expect(() => people.registration.challenge()).toThrow(
      expect.objectContaining({ code: 'HOME_REGISTRATION_CLOSED' }),
    );
    await expect(people.invitations.create(undefined, undefined)).rejects.toMatchObject({
      code: 'HOME_REGISTRATION_CLOSED',
    });
  });

  test('without a mail server: registration by e-mail is off, and says so', async () => {
    await open({ mail: false });
    expect(people.registration.rules).toEqual({ mode: 'closed', emailDomains: [], passwordReset: false });
    await expect(people.registration.begin(wish, ADDRESS)).rejects.toMatchObject({ code: 'HOME_NO_MAIL' });
    await expect(people.passwordResets.begin(carol, ADDRESS)).rejects.toMatchObject({ code: 'HOME_NO_MAIL' });
  });

  test('domains: the listed ones exactly', async () => {
    await open({ registration: { mode: 'domains', emailDomains: ['mail.example' as typeof alpha] } });
    for (const address of ['carol@sub.mail.example', 'carol@mail.example.evil.example', 'carol@other.example']) {
      await expect(begin({ email: email(address) })).rejects.toMatchObject({ code: 'HOME_EMAIL_REFUSED' });
    }
    await begin({ email: email('carol@MAIL.example') });
  });

  test('open: with work, and each piece of work once', async () => {
    await open();
    await expect(people.registration.begin(wish, ADDRESS)).rejects.toMatchObject({ code: 'HOME_WORK_REFUSED' });
    const work = await solve(people.registration.challenge());
    await people.registration.begin({ ...wish, work }, ADDRESS);
    const again = people.registration.begin({ ...wish, email: email('dora@mail.example'), work }, ADDRESS);
    await expect(again).rejects.toMatchObject({ code: 'HOME_WORK_REFUSED' });
    expect(await people.store.db.selectFrom('registrations').selectAll().execute()).toHaveLength(1);
  });

  test('invitation: with one that is good, once, and not with any other', async () => {
    await open({ registration: { mode: 'invitation' } });
    await expect(begin()).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
    await expect(begin({ invitation: 'AAAA-AAAA-AAAA-AAAA' })).rejects.toMatchObject({
      code: 'HOME_INVITATION_REFUSED',
    });
    const { invitation } = await people.invitations.create(undefined, undefined);
    const first = await begin({ invitation });
    const one = codeIn(await people.mailTo(carol));
    const dora = email('dora@mail.example');
    const second = await begin({ invitation: invitation.toLowerCase(), email: dora, handle: 'dora' });
    const two = codeIn(await people.mailTo(dora));
    await confirm(first.id, one);
    await expect(confirm(second.id, two)).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
    await expect(begin({ invitation, email: dora })).rejects.toMatchObject({ code: 'HOME_INVITATION_REFUSED' });
    expect(await accounts()).toHaveLength(1);
  });

  test('an invitation lets in without work and from any e-mail domain', async () => {
    await open({ registration: { mode: 'domains', emailDomains: ['other.example' as typeof alpha] } });
    const { invitation } = await people.invitations.create(undefined, undefined);
    await begin({ invitation });
  });
});
