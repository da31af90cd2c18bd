import { expect, test } from 'vitest';
import { type Evidence, findingsIn, type Held, type Notice, type Said, type Sample, type View } from './checker.ts';

const ROOM = 'rigging';
const ALL = ['a1-1', 'a1-2', 'b1-1', 'c1-1'];

/** What the devices hold, from the first to the last: ids of messages, `+c1` and `-c1` for who came and went. */
type Story = Readonly<Record<string, readonly string[]>>;

interface Given {
  readonly initial?: readonly string[];
  readonly members?: readonly string[];
  /** Of messages whose group was another one than of all devices. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly said?: readonly Partial<Said>[];
}

/** A history in which all is well where the devices hold the same. `a1-1` wrote all messages in the order of the alphabet. */
function history(story: Story, { initial = ['a1', 'b1', 'c1'], members = initial, groups = {}, said }: Given = {}) {
  const ids = [...new Set(Object.values(story).flat())].filter((each) => /^\w/.test(each)).sort();
  const inside = ALL.filter((device) => members.includes(personOf(device)));
  const views = Object.entries(story).map(([device, held]): View => {
    const person = personOf(device);
    return {
      ...{ device, person, room: ROOM, gaps: [], waiting: [] },
      held: held.flatMap((id, order): Held[] =>
        /^\w/.test(id) ? [{ id, saying: 'message', order, device: 'a1-1' }] : [],
      ),
      notices: held.flatMap((each, order): Notice[] => {
        if (/^\w/.test(each)) return [];
        return [{ order, type: each.startsWith('+') ? 'added' : 'removed', who: each.slice(1) }];
      }),
      ...(members.includes(person) && {
        group: { id: 'g', epoch: '7', devices: inside, isSettled: true },
        listed: { title: 'Rigging', members: members.map((each) => `${each} member`), group: 'g' },
      }),
    };
  });
  const written = said ?? ids.map((id) => ({ id }));
  return {
    rooms: [{ id: ROOM, talks: true, keepers: ['a1', 'b1'], initial }],
    said: written.map(
      (each): Said => ({
        ...{ id: '', room: ROOM, device: 'a1-1', saying: 'message', state: 'accepted' },
        ...each,
      }),
    ),
    samples: ids.map((id): Sample => ({ room: ROOM, id, by: 'b1-1', devices: groups[id] ?? ALL })),
    views,
  } satisfies Evidence;
}

function personOf(device: string): string {
  return device.split('-')[0] ?? '';
}

function kindsIn(evidence: Evidence): string[] {
  return [...new Set(findingsIn(evidence).map(({ kind, device }) => `${kind} ${device}`))].sort();
}

const same = (...held: string[]): Story => Object.fromEntries(ALL.map((device) => [device, held]));

/** The same evidence, with something of one device changed. */
function changed(evidence: Evidence, device: string, change: (view: View) => Partial<View>): Evidence {
  return {
    ...evidence,
    views: evidence.views.map((view) => (view.device === device ? { ...view, ...change(view) } : view)),
  };
}

test('nothing is found where everybody holds the same', () => {
  expect(findingsIn(history(same('m1', 'm2', 'm3')))).toEqual([]);
});

test('what was accepted and is missing is lost, on whoever was in the group and in the conversation', () => {
  expect(kindsIn(history({ ...same('m1', 'm2'), 'c1-1': ['m1'] }))).toEqual(['lost c1-1']);
  expect(kindsIn(history({ ...same('m1', 'm2'), 'b1-1': ['m2'] }))).toEqual(['lost b1-1']);
  // Nobody has it but the writer was told that it is accepted.
  const said = [{ id: 'm1' }, { id: 'm2' }];
  expect(kindsIn(history(same('m1'), { said }))).toEqual(['lost a1-1', 'lost a1-2', 'lost b1-1']);
  // It was refused as far as the writer knows, and some have it.
  const some = { ...same('m1', 'm2'), 'b1-1': ['m1'], 'a1-1': ['m1'] };
  expect(kindsIn(history(some, { said: [{ id: 'm1' }, { id: 'm2', state: 'waits' }] }))).toEqual([
    'lost a1-1',
    'lost b1-1',
    'stuck a1-1',
  ]);
});

test('what was said before a device was in, or when its person was out, is not for it', () => {
  const before = { ...same('m1', '+c1', 'm2', 'm3'), 'c1-1': ['m3'] };
  const groups = { m1: ['a1-1', 'a1-2', 'b1-1'], m2: ['a1-1', 'a1-2', 'b1-1'] };
  const initial = ['a1', 'b1'];
  const members = ['a1', 'b1', 'c1'];
  expect(findingsIn(history(before, { initial, members, groups }))).toEqual([]);
  const after = { ...same('m1', '-c1', 'm2'), 'c1-1': ['m1', '-c1'] };
  expect(findingsIn(history(after, { members: ['a1', 'b1'] }))).toEqual([]);
});

test('what is read by somebody who was out is leaked', () => {
  const after = same('m1', '-c1', 'm2');
  expect(kindsIn(history(after, { members: ['a1', 'b1'] }))).toEqual(['leaked c1-1']);
  const before = same('m1', '+c1', 'm2');
  expect(kindsIn(history(before, { initial: ['a1', 'b1'], members: ['a1', 'b1', 'c1'] }))).toEqual(['leaked c1-1']);
});

test('what is twice on a device, or cannot be read a second time, is duplicated', () => {
  expect(kindsIn(history({ ...same('m1', 'm2'), 'c1-1': ['m1', 'm2', 'm1'] }))).toContain('duplicated c1-1');
  const again = changed(history(same('m1', 'm2')), 'b1-1', () => ({
    gaps: [{ order: 9, why: 'damaged MLS_UNREADABLE', of: 'a1' }],
  }));
  expect(kindsIn(again)).toEqual(['duplicated b1-1']);
  expect(kindsIn(history(same('m1'), { said: [{ id: 'm1', state: 'failed', code: 'HOME_FORBIDDEN' }] }))).toEqual([
    'duplicated a1-1',
    'stuck a1-1',
  ]);
});

test('what was encrypted before somebody came back, and delivered after it, is no loss', () => {
  const back = { ...same('m1', '-c1', '+c1', 'm2', 'm3'), 'c1-1': ['m1', '-c1', 'm3'] };
  const old = changed(history(back), 'c1-1', () => ({
    gaps: [{ order: 9, why: 'keys-gone MLS_EPOCH_PAST', of: 'a1' }],
  }));
  expect(findingsIn(old)).toEqual([]);
  const never = changed(history({ ...same('m1', 'm2'), 'c1-1': ['m1'] }), 'c1-1', () => ({
    gaps: [{ order: 9, why: 'keys-gone MLS_EPOCH_PAST', of: 'a1' }],
  }));
  expect(kindsIn(never)).toEqual(['lost c1-1']);
});

test('what cannot be read in place of what is missing is lost', () => {
  const gap = changed(history({ ...same('m1', 'm2'), 'c1-1': ['m1'] }), 'c1-1', () => ({
    gaps: [{ order: 9, why: 'damaged MLS_UNREADABLE', of: 'a1' }],
  }));
  expect(new Set(findingsIn(gap).map(({ kind }) => kind))).toEqual(new Set(['lost']));
});

test('another order on one device is reordered, also of messages and notices', () => {
  const devices = ['a1-1', 'b1-1'].map((device) => ({ id: device === 'a1-1' ? 'm1' : 'm2', device }));
  expect(kindsIn(history({ ...same('m1', 'm2'), 'c1-1': ['m2', 'm1'] }, { said: devices }))).toEqual([
    'reordered c1-1',
  ]);
  const members = ['a1', 'b1'];
  const story = { ...same('m1', '-c1'), 'c1-1': ['m1'], 'b1-1': ['-c1', 'm1'] };
  expect(kindsIn(history(story, { members }))).toEqual(['reordered b1-1']);
  // All have it so, and its writer wrote it otherwise.
  const said = [{ id: 'm2' }, { id: 'm1' }];
  expect(kindsIn(history(same('m1', 'm2'), { said }))).toEqual(ALL.map((device) => `reordered ${device}`));
});

test('a notice that one of those misses who are in all the time is lost, and one too many duplicated', () => {
  const members = ['a1', 'b1'];
  const missing = { ...same('m1', '-c1'), 'b1-1': ['m1'], 'c1-1': ['m1'] };
  expect(kindsIn(history(missing, { members }))).toEqual(['lost b1-1']);
  const twice = { ...same('m1', '-c1'), 'b1-1': ['m1', '-c1', '-c1'], 'c1-1': ['m1'] };
  expect(kindsIn(history(twice, { members }))).toEqual(['duplicated b1-1']);
});

test('another epoch, title, list of members or call has diverged', () => {
  const good = history(same('m1'));
  const differing: ((view: View) => Partial<View>)[] = [
    ({ group }) => ({ group: group && { ...group, epoch: '6' } }),
    ({ group }) => ({ group: group && { ...group, devices: group.devices.slice(1) } }),
    () => ({ group: undefined }),
    () => ({ listed: undefined }),
    ({ listed }) => ({ listed: listed && { ...listed, title: 'Ropes' } }),
    ({ listed }) => ({ listed: listed && { ...listed, members: ['a1 member'] } }),
    ({ listed }) => ({ listed: listed && { ...listed, call: 'conference: ' } }),
  ];
  for (const change of differing) expect(kindsIn(changed(good, 'c1-1', change))).toEqual(['diverged c1-1']);
});

test('whoever is out has nothing in the list, and no device in the group', () => {
  const members = ['a1', 'b1'];
  const good = history({ ...same('m1', '-c1'), 'c1-1': ['m1'] }, { members });
  expect(findingsIn(good)).toEqual([]);
  const listed = changed(good, 'c1-1', () => ({ listed: { title: 'Rigging', members: [] } }));
  expect(kindsIn(listed)).toEqual(['diverged c1-1']);
  const views = good.views.map((view) => ({ ...view, ...(view.group && { group: { ...view.group, devices: ALL } }) }));
  expect(kindsIn({ ...good, views })).toEqual(['diverged a1-1', 'diverged a1-2', 'diverged b1-1']);
});

test('of two who delete the same the first counts, and the other waits for nothing', () => {
  const said = [{ id: 'm1' }, { id: 'm2', saying: 'delete', target: 'm1' } as const];
  const second = { id: 'm3', saying: 'delete', target: 'm1', device: 'a1-2', state: 'waits' } as const;
  const held = (): Held[] => [
    { id: 'm1', saying: 'message', order: 0, device: 'a1-1' },
    { id: 'm2', saying: 'delete', order: 1, target: 'm1' },
  ];
  const evidence = ALL.reduce(
    (each: Evidence, device) => changed(each, device, () => ({ held: held() })),
    history(same('m1'), { said }),
  );
  expect(findingsIn({ ...evidence, said: [...evidence.said, { ...second, room: ROOM }] })).toEqual([]);
  const other = { ...second, room: ROOM, target: 'm9' };
  expect(kindsIn({ ...evidence, said: [...evidence.said, other] })).toEqual(['stuck a1-2']);
});

test('what never left its device, or waits for what is there, is stuck', () => {
  const waits = history(same('m1'), { said: [{ id: 'm1' }, { id: 'm2', state: 'waits', device: 'c1-1' }] });
  expect(kindsIn(waits)).toEqual(['stuck c1-1']);
  const waiting = changed(history(same('m1')), 'b1-1', () => ({ waiting: [{ id: 'e1', target: 'm1' }] }));
  expect(kindsIn(waiting)).toEqual(['stuck b1-1']);
  const open = changed(history(same('m1')), 'c1-1', ({ group }) => ({
    group: group && { ...group, isSettled: false },
  }));
  expect(kindsIn(open)).toEqual(['stuck c1-1']);
});

test('what an edit is about has to be there, and its place may be gone', () => {
  const good = history(same('m1', 'm2'));
  const said: Said[] = [
    ...good.said,
    { id: 'e1', room: ROOM, device: 'a1-1', saying: 'edit', target: 'm1', state: 'accepted' },
  ];
  const samples = [...good.samples, { room: ROOM, id: 'e1', by: 'b1-1', devices: ALL }];
  const edit: Held = { id: 'e1', saying: 'edit', target: 'm1', order: 5 };
  const views = good.views.map((view) => ({ ...view, held: [...view.held, edit] }));
  expect(findingsIn({ ...good, said, samples, views })).toEqual([]);
  const without = changed({ ...good, said, samples, views }, 'c1-1', ({ held }) => ({ held: held.slice(0, -1) }));
  expect(kindsIn(without)).toEqual(['lost c1-1']);
  const gone = changed({ ...good, said, samples, views }, 'c1-1', ({ held }) => ({
    held: [...held.slice(0, -1), { ...edit, order: -1 }],
  }));
  expect(findingsIn(gone)).toEqual([]);
});
