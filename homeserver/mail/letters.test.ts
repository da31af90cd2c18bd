import { expect, test } from 'vitest';
import { domain, user } from '../testing/world.ts';
import * as letters from './letters.ts';

const sender = { domain: domain('alpha.example'), url: 'https://alpha.example' };
const alice = user('@alice@alpha.example');
const all = {
  registrationCode: letters.registrationCode(sender, '012345', 10),
  alreadyRegistered: letters.alreadyRegistered(sender, alice),
  resetCode: letters.resetCode(sender, '012345', 10),
  passwordChanged: letters.passwordChanged(sender, alice),
  newDevice: letters.newDevice(sender, alice, { name: 'Firefox on Linux', address: '2001:db8::17', at: 0 }),
  signedIn: letters.signedIn(sender, alice, 0),
  invitation: letters.invitation(sender, 'AAAA-BBBB-CCCC-DDDD', alice, 7),
};

test.each(Object.entries(all))('%s is plain text that fits every screen and says what to do', (_name, letter) => {
  expect(letter.subject).toMatch(/^[\x20-\x7e]{10,70}$/);
  for (const line of letter.text.split('\n')) expect(line.length).toBeLessThanOrEqual(78);
  expect(letter.text).toMatch(/^[\x20-\x7e\n]+\n$/);
  expect(letter.text).toMatch(/do nothing|reset your password|change your password/);
});

test('a code stands in the text, not in the subject that every locked screen shows', () => {
  for (const { subject, text } of [all.registrationCode, all.resetCode]) {
    expect(text).toContain('\n    012345\n');
    expect(subject).not.toContain('012345');
  }
});

test('what lets somebody in is typed, and stands in no address', () => {
  expect(all.invitation.text).toContain('\n    AAAA-BBBB-CCCC-DDDD\n');
  expect(all.invitation.text).toContain('https://alpha.example and');
  for (const { text } of Object.values(all)) {
    for (const [address] of text.matchAll(/https?:\S+/g)) expect(address).toMatch(/^https:\/\/alpha\.example[.,]?$/);
  }
});

test('a device that calls itself an address or a sentence in another line does not speak for us', () => {
  const { text } = letters.newDevice(sender, alice, {
    name: 'x\n\nPay at https://evil.example/now!',
    address: '192.0.2.1',
    at: 0,
  });
  expect(text).not.toContain('https://evil');
  expect(text).toContain('"x  Pay at https   evil.example now "');
});
