import { describe, expect, it } from 'vitest';
import { type Evidence, findingsIn, type Kind, type Shown, type View, type Written } from './checker.ts';

const A = 'alice-1';
const B = 'bob-1';
const members = new Map([['rigging', [A, B]]]);

const said = (writer: string, number: number, order: number): Shown => ({
  conversation: 'rigging',
  writer,
  number,
  order,
});
const wrote = (message: Shown, state: Written['state'] = 'accepted'): Written =>
  state === 'accepted' ? { ...message, state } : { ...message, state, order: undefined };

/** Two of Alice and one of Bob between them. */
const all = [said(A, 1, 10), said(B, 1, 12), said(A, 2, 15)];
const view = (device: string, shown: readonly Shown[], unreadable: View['unreadable'] = []): View => ({
  device,
  conversation: 'rigging',
  shown,
  unreadable,
});

function evidence(change: Partial<Evidence> = {}): Evidence {
  return {
    members,
    written: all.map((each) => wrote(each)),
    views: [view(A, all), view(B, all)],
    tellings: [
      { device: A, told: all.filter(({ writer }) => writer !== A) },
      { device: B, told: all.filter(({ writer }) => writer !== B) },
    ],
    ...change,
  };
}

const found = (change: Partial<Evidence>): [Kind, string, string][] =>
  findingsIn(evidence(change)).map(({ kind, device, what }) => [kind, device, what]);

const [first, second, third] = all as [Shown, Shown, Shown];

it('is content where everybody has everything once, in order', () => {
  expect(found({})).toEqual([]);
});

describe('finds a message that is lost', () => {
  it('where it was accepted', () => {
    expect(found({ views: [view(A, all), view(B, [first, second])] })).toEqual([['lost', B, 'alice-1/2']]);
  });

  it('on the device that wrote it', () => {
    expect(found({ views: [view(A, [second, third]), view(B, all)] })).toEqual([['lost', A, 'alice-1/1']]);
  });

  it('where nobody shows anything', () => {
    expect(found({ views: [] }).filter(([kind]) => kind === 'lost')).toHaveLength(6);
  });
});

describe('finds a message that is there twice', () => {
  it('in the end', () => {
    expect(found({ views: [view(A, all), view(B, [...all, { ...third, order: 16 }])] })).toContainEqual([
      'doubled',
      B,
      'alice-1/2',
    ]);
  });

  it('because it was told twice', () => {
    expect(found({ tellings: [{ device: B, told: [first, third, third] }] })).toEqual([['doubled', B, 'alice-1/2']]);
  });

  it('and lets an application that began anew be told the rest', () => {
    expect(
      found({
        tellings: [
          { device: B, told: [first] },
          { device: B, told: [third] },
        ],
      }),
    ).toEqual([]);
  });
});

describe('finds a message in a wrong place', () => {
  it('where one device shows another order than the hub', () => {
    expect(found({ views: [view(A, all), view(B, [second, first, third])] })).toEqual([['reordered', B, 'alice-1/1']]);
  });

  it('where it was told too late', () => {
    expect(found({ tellings: [{ device: B, told: [third, first] }] })).toEqual([['reordered', B, 'alice-1/1']]);
  });

  it('where the hub took what one device wrote in another order', () => {
    const swapped = [said(A, 2, 10), second, said(A, 1, 15)];
    expect(
      found({
        written: swapped.map((each) => wrote(each)),
        views: [view(A, swapped), view(B, swapped)],
        tellings: [],
      }),
    ).toEqual([
      ['reordered', A, 'alice-1/1'],
      ['reordered', B, 'alice-1/1'],
    ]);
  });

  it('where it stands elsewhere than the hub said to its writer', () => {
    const moved = { ...third, order: 20 };
    expect(found({ views: [view(A, all), view(B, [first, second, moved])] })).toEqual([
      ['reordered', B, 'alice-1/2 at 20 and not at 15'],
    ]);
  });
});

describe('finds a message that was not accepted', () => {
  it.each(['tried', 'failed', 'stored'] as const)('where its writer has it as %s', (state) => {
    const findings = found({ written: [wrote(first), wrote(second), wrote(third, state)] });
    expect(findings).toContainEqual(['unaccepted', B, 'alice-1/2']);
  });

  it('where nobody wrote it', () => {
    const ghost = said(A, 9, 30);
    expect(found({ views: [view(A, [...all, ghost]), view(B, [...all, ghost])] })).toEqual([
      ['unaccepted', A, 'alice-1/9'],
      ['unaccepted', B, 'alice-1/9'],
    ]);
  });

  it('and lets go what was refused, or never stored, and nobody has', () => {
    const extra = [wrote(said(A, 3, 0), 'failed'), wrote(said(A, 4, 0), 'tried')];
    expect(found({ written: [...all.map((each) => wrote(each)), ...extra] })).toEqual([]);
  });
});

it('finds what cannot be read, and what still waits', () => {
  expect(found({ views: [view(A, all), view(B, all, [{ order: 13, why: 'damaged' }])] })).toEqual([
    ['unreadable', B, 'damaged at 13'],
  ]);
  expect(found({ written: [...all.map((each) => wrote(each)), wrote(said(B, 2, 0), 'stored')] })).toEqual([
    ['stuck', B, 'bob-1/2'],
  ]);
});
