import { pino } from 'pino';
import { expect, test } from 'vitest';
import { HawserError } from '#signalling/errors.ts';
import { discreet } from './log.ts';

function logged(entry: object): Record<string, unknown> {
  const lines: string[] = [];
  discreet(pino({}, { write: (line: string) => void lines.push(line) })).error(entry, 'fault');
  return JSON.parse(lines.join('')) as Record<string, unknown>;
}

test('of an error that a library made the log has the place and the code, and nothing that it quotes', () => {
  const cause = new Error('alice@mail.example');
  const error = Object.assign(new Error('invalid input "alice"', { cause }), {
    code: '23505',
    detail: 'Key (user_id)=(mimi://alpha.example/u/alice) already exists.',
    where: 'alice',
  });
  const { err } = logged({ err: error });
  expect(err).toMatchObject({ type: 'Error', code: '23505', stack: expect.stringContaining('log.test.ts') });
  expect(JSON.stringify(err)).not.toContain('alice');
  expect(JSON.stringify(logged({ err: 'alice' }))).not.toContain('alice');
});

test('an error of ours says what it says', () => {
  const { err } = logged({ err: new HawserError('HOME_NOT_FOUND', 'device') });
  expect(err).toMatchObject({ code: 'HOME_NOT_FOUND', message: expect.stringContaining('device') });
});

test('what must not be logged is not, whoever logs it', () => {
  const entry = { token: 'secret', account: { password: 'secret', email: 'secret' }, req: { url: 'secret' } };
  expect(JSON.stringify(logged(entry))).not.toContain('secret');
});
