import { expect, test } from 'vitest';
import type { DeviceId, ParticipantId, UserId } from '#signalling/ids.ts';
import { byOrganisation, type CallRoster, lockOf, unexpectedIn } from './call-roster.ts';

const user = (name: string, domain = 'alpha.example') => `mimi://${domain}/u/${name}` as UserId;
const seen = (name: string, device: string, domain = 'alpha.example') => ({
  device: `mimi://${domain}/u/${name}/d/${device}` as DeviceId,
  fingerprint: `${name} ${device}`,
  participant: `${name}${device}` as ParticipantId,
});
const roster = (...devices: ReturnType<typeof seen>[]): CallRoster => ({
  ...{ epoch: 3n, devices, authenticator: new Uint8Array(32) },
});
const compared = (...devices: ReturnType<typeof seen>[]) =>
  new Map(devices.map(({ device, fingerprint }) => [device, fingerprint]));

test('the lock says verified when all other devices were compared, with these very keys', () => {
  const [own, phone, laptop] = [seen('alice', '1'), seen('bob', '1', 'beta.example'), seen('bob', '2', 'beta.example')];
  const all = roster(own, phone, laptop);
  expect(lockOf(undefined, new Map(), own.device)).toBe('none');
  expect(lockOf(all, new Map(), own.device)).toBe('encrypted');
  expect(lockOf(all, compared(phone), own.device)).toBe('encrypted');
  expect(lockOf(all, compared(phone, laptop), own.device)).toBe('verified');
  const other = { ...laptop, fingerprint: 'another key' };
  expect(lockOf(roster(own, phone, other), compared(phone, laptop), own.device)).toBe('encrypted');
});

test('a device that is said to be the own one of somebody has to be compared like any other', () => {
  const [own, phone, second] = [seen('alice', '1'), seen('bob', '1'), seen('alice', '2')];
  expect(lockOf(roster(own, phone, second), compared(phone), own.device)).toBe('encrypted');
  expect(lockOf(roster(own, phone, second), compared(phone, second), own.device)).toBe('verified');
  expect(lockOf(roster(own), new Map(), own.device), 'nobody else is there').toBe('encrypted');
});

test('who can hear is listed by organisation, the own one first, with each device once', () => {
  const all = [
    seen('zoe', '1', 'aaa.example'),
    seen('alice', '1'),
    seen('bob', '1', 'beta.example'),
    seen('alice', '2'),
  ];
  const listed = byOrganisation(roster(...all), user('alice'));
  expect(listed.map(([domain, people]) => [domain, people.map((each) => each.devices.length)])).toEqual([
    ['alpha.example', [2]],
    ['aaa.example', [1]],
    ['beta.example', [1]],
  ]);
});

test('a device is unexpected where others of its person were compared', () => {
  const [own, phone, fresh, carol] = [seen('alice', '1'), seen('bob', '1'), seen('bob', '2'), seen('carol', '1')];
  const all = [own, phone, fresh, carol];
  expect(unexpectedIn(all, new Map(), own.device)).toEqual([]);
  expect(unexpectedIn(all, compared(phone), own.device)).toEqual([fresh]);
  expect(unexpectedIn(all, compared(phone, fresh), own.device)).toEqual([]);
  // He is there with the new one alone.
  expect(unexpectedIn([own, fresh], compared(phone), own.device)).toEqual([fresh]);
});
