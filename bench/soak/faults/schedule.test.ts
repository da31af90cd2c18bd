import { expect, test } from 'vitest';
import { linesOf, type ScheduleOptions, scheduleOf } from './schedule.ts';

const OPTIONS: ScheduleOptions = { domains: 3, lengthMs: 2_000, across: true, disk: true };
const SEEDS = Array.from({ length: 300 }, (_, index) => index);

test('the same seed is the same schedule, and another one another', () => {
  expect(scheduleOf(7, OPTIONS)).toEqual(scheduleOf(7, OPTIONS));
  expect(linesOf(scheduleOf(7, OPTIONS))).not.toEqual(linesOf(scheduleOf(8, OPTIONS)));
});

test('every kind of fault and of act comes in some schedule, and none is over after the end', () => {
  const all = SEEDS.map((seed) => scheduleOf(seed, OPTIONS));
  const faults = all.flatMap((each) => each.faults);
  expect([...new Set(faults.map(({ fault }) => fault.kind))].sort()).toEqual(
    ['away', 'clock', 'cut', 'delay', 'device clock', 'full', 'kill', 'lose', 'reorder', 'repeat'].sort(),
  );
  expect(faults.every(({ at, lastsMs }) => at >= 0 && at + lastsMs <= OPTIONS.lengthMs)).toBe(true);
  const cuts = faults.flatMap(({ fault }) => (fault.kind === 'cut' ? [`${fault.how} ${fault.both}`] : []));
  expect(new Set(cuts).size).toBe(6);
  const deeds = all.flatMap((each) => each.acts.map(({ deed }) => deed.what));
  expect(new Set(deeds).size).toBe(10);
});

test('each room has its hub at another domain, and two people of two domains who stay in it', () => {
  for (const seed of SEEDS) {
    const { rooms, acts, people } = scheduleOf(seed, OPTIONS);
    expect(rooms.map((room) => room.people[0])).toEqual(['a1', 'b1', 'g1']);
    for (const room of rooms) expect(room.people[0]?.charAt(0)).not.toBe(room.people[1]?.charAt(0));
    for (const { deed, device, room } of acts) {
      const keepers = rooms[room]?.people.slice(0, 2) ?? [];
      if (deed.what === 'remove') expect(keepers).not.toContain(deed.person);
      if (deed.what === 'leave') expect(keepers).not.toContain(device.split('-')[0]);
    }
    expect(people.flatMap(({ devices }) => devices)).toHaveLength(9);
  }
});

test('where organisations talk for themselves, conversations of all of them have no messages', () => {
  for (const seed of SEEDS) {
    const { rooms, acts } = scheduleOf(seed, { ...OPTIONS, across: false });
    for (const { people, talks } of rooms) expect(new Set(people.map((each) => each.charAt(0))).size === 1).toBe(talks);
    const silent = acts.filter(({ room }) => rooms[room]?.talks === false);
    expect(silent.some(({ deed }) => deed.what === 'write' || deed.what === 'react')).toBe(false);
  }
});

test('where there is one organisation, nothing is cut, and no disk is full where none can be', () => {
  const kinds = SEEDS.flatMap((seed) =>
    scheduleOf(seed, { domains: 1, lengthMs: 2_000, across: false, disk: false }).faults.map(({ fault }) => fault.kind),
  );
  expect([...new Set(kinds)].sort()).toEqual(['away', 'clock', 'device clock', 'kill']);
});
