/** A homeserver that lies: what it says goes to the terminal of an administrator. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ReachAnswer } from '#signalling/federation.ts';
import { readAnswer } from './homeserver.ts';
import { failed, linesOf, ok, skipped, verdict } from './step.ts';

const RIGHT: ReachAnswer = {
  now: 1_767_225_600_000,
  software: 'hawser-homeserver/0.1.0',
  link: 'wss://sft.beta.example:8548/link/v1',
  may: { calls: true, messages: true },
};
const answered = (change: object, status = 200) => readAnswer(status, JSON.stringify({ ...RIGHT, ...change }));

it('takes what a homeserver says', () => {
  expect(answered({})).toEqual({ reach: RIGHT });
  expect(answered({ code: 'TRUST_REVOKED' })).toEqual({ reach: { ...RIGHT, code: 'TRUST_REVOKED' } });
  for (const link of ['wss://[2606:1:2::7]:8548/link/v1', 'wss://sft.beta.example/link/v1'])
    expect(answered({ link })).toEqual({ reach: { ...RIGHT, link } });
});

it.each([
  ['software that clears the screen', { software: '\u001b[2J\u001b[Hok' }],
  ['software with a control character of eight bits', { software: 'hawser\u009b2J' }],
  ['software that turns words round', { software: 'hawser\u202e' }],
  ['a link to nowhere', { link: 'wss://' }],
  ['a link with words behind it', { link: 'wss://sft.beta.example/link/v1 and more' }],
  ['a link with an escape sequence', { link: 'wss://sft.beta.example/\u001b]0;x\u0007' }],
  ['a link by another way', { link: 'ws://sft.beta.example/link/v1' }],
  ['a code that is a text', { code: 'Call us at once.' }],
])('does not take %s', (_what, change) => {
  expect(answered(change)).toEqual({ code: 'ODD' });
});

it('takes a code of our list from a problem, and none of somebody else', () => {
  expect(readAnswer(403, '{"code":"FED_NOT_ALLOWED","message":"x"}')).toEqual({ code: 'FED_NOT_ALLOWED' });
  for (const code of ['\u001b[31mFED', 'toString', 'X'.repeat(60_000), 7, null])
    expect(readAnswer(403, JSON.stringify({ code }))).toEqual({ code: 'ODD' });
  expect(readAnswer(200, '{"code":"FED_NOT_ALLOWED"}')).toEqual({ code: 'ODD' });
  expect(readAnswer(404, '<html>')).toEqual({ code: 'OLD' });
  expect(readAnswer(502, '<html>')).toEqual({ code: 'ODD' });
});

it('prints no character that a terminal obeys, whatever stands in a step', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, text, text, (tried, saw, cause, todo) => {
      const steps = [
        ok('a', tried, saw),
        skipped('b', tried, saw, todo),
        failed('c', tried, { saw, cause, todo, who: 'both' }),
      ];
      const lines = [...steps.flatMap((step) => linesOf(step, 'beta.example')), verdict(steps, 'calls work')];
      for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});
