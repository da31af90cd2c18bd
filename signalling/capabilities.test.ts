import { expect, test } from 'vitest';
import { CAPABILITIES, type Capability, may, type Role } from './capabilities.ts';

const ALL = Object.keys(CAPABILITIES) as Capability[];
const of = (role: Role) => ALL.filter((capability) => may(role, capability));

test('whoever has more to say may do all that whoever has less may', () => {
  expect(of('admin')).toEqual(ALL);
  expect(new Set(of('member')).isSubsetOf(new Set(of('admin')))).toBe(true);
  expect(new Set(of('guest')).isSubsetOf(new Set(of('member')))).toBe(true);
});

test('members talk, call and leave; guests talk, join and leave; only admins decide who is in', () => {
  const deciding: Capability[] = [
    'addParticipant',
    'removeParticipant',
    'changeUserRole',
    'changeRoomName',
    'endCall',
    'moderateCall',
  ];
  expect(of('member')).toEqual(ALL.filter((capability) => !deciding.includes(capability)));
  expect(may('guest', 'startCall')).toBe(false);
  expect(may('guest', 'joinCall')).toBe(true);
  for (const role of ['admin', 'member', 'guest'] as const) expect(may(role, 'removeSelf')).toBe(true);
});

test('whoever is not in the conversation may do nothing', () => {
  for (const capability of ALL) expect(may(undefined, capability)).toBe(false);
});

test('the numbers of media are those that the draft has, one after the other, and no number is there twice', () => {
  const numbers = Object.values(CAPABILITIES);
  expect(numbers.filter((number) => number >> 8 === 4)).toEqual([
    0x400, 0x401, 0x402, 0x403, 0x404, 0x405, 0x406, 0x407,
  ]);
  expect(new Set(numbers).size).toBe(numbers.length);
});
