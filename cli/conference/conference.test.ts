import { expect, it } from 'vitest';
import type { CallReport } from '#signalling/administration.ts';
import type { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import type { SftConference } from '../servers/sft-answers.ts';
import { conferenceIn, personIn } from './find.ts';
import { merged } from './merge.ts';
import { organisationsOf, personRow, rowOf } from './rows.ts';

const alpha = 'alpha.example' as DomainName;
const beta = 'beta.example' as DomainName;
const id = <T>(letters: string) => letters.padEnd(22, 'x') as T;
const [hers, his, elses] = [id<ParticipantId>('pa'), id<ParticipantId>('pb'), id<ParticipantId>('qc')];
const source = 's'.repeat(16) as SourceId;

const media: SftConference = {
  conference: id<ConferenceId>('ab1'),
  anchor: alpha,
  since: Date.UTC(2026, 6, 1, 12, 5),
  roster: [
    {
      participant: hers,
      domain: alpha,
      hand: true,
      sources: [
        { source, kind: 'camera', layers: [0, 1, 2], muted: false },
        { source, kind: 'microphone', layers: [0], muted: true },
      ],
    },
    { participant: his, domain: beta, hand: false, sources: [] },
  ],
  publishing: [{ source, layers: [0, 2] }],
};
const call: CallReport = {
  conference: media.conference,
  hub: beta,
  anchor: alpha,
  startedAt: Date.UTC(2026, 6, 1, 12, 0),
  participants: [
    { participant: hers, domain: alpha, handle: 'alice' },
    { participant: his, domain: beta },
    { participant: elses, domain: beta },
  ],
  waiting: 1,
  locked: false,
};
const other: CallReport = { ...call, conference: id('ab2'), startedAt: 5, participants: [] };

it('puts together what both servers know of a conference, the oldest first', () => {
  const [first, second] = merged([media], [call, other]);
  expect(first).toMatchObject({ conference: other.conference, here: false, people: [] });
  expect(second?.people.map(({ participant, handle }) => [participant, handle])).toEqual([
    [hers, 'alice'],
    [his, undefined],
    [elses, undefined],
  ]);
  expect(second && rowOf(second, alpha)).toEqual([
    media.conference,
    '2026-07-01 12:00',
    'anchor',
    alpha,
    beta,
    '3',
    'alpha.example 1, beta.example 2',
  ]);
  const [alone] = merged([media], []);
  expect(alone && rowOf(alone, beta).slice(1, 5)).toEqual(['2026-07-01 12:05', 'federated', alpha, '-']);
  expect(first && organisationsOf(first)).toBe('-');
});

it('says what somebody sends, and how it goes', () => {
  const [, listed] = merged([media], [call, other]);
  const [alice, bob, carol] = listed?.people ?? [];
  if (!alice || !bob || !carol) throw new Error('nobody');
  const path = { participant: hers, protocol: 'udp', inMbit: 1.234, outMbit: 0.5, lossIn: 0.012, rttMs: 31 };
  expect(personRow(alice, path)).toEqual([
    hers,
    '@alice',
    alpha,
    'camera 0+2, microphone (muted), hand',
    'udp',
    '31 ms',
    '1.2%/-',
    '1.23/0.50',
  ]);
  expect(personRow(bob, undefined).slice(3)).toEqual(['-', '-', '-', '-', '-']);
  expect(personRow(carol, undefined)[3]).toBe('not seen by the media server');
});

it('finds what a prefix means, and says which there are where it means several', () => {
  const all = merged([media], [call, other]);
  expect(conferenceIn(all, 'ab1').conference).toBe(media.conference);
  expect(() => conferenceIn(all, 'ab')).toThrow(
    `2 conferences begin with 'ab': ${other.conference}, ${media.conference}.`,
  );
  expect(() => conferenceIn(all, 'zz')).toThrow(
    "No conference here begins with 'zz'. hawser conference list names all.",
  );
  // Also where there is only one that it could be.
  expect(() => conferenceIn(merged([media], []), '')).toThrow(
    /^Give the beginning of a conference's id; what was given is empty\./,
  );
  const listed = conferenceIn(all, media.conference);
  expect(() => personIn({ ...listed, people: listed.people.slice(0, 1) }, '')).toThrow(/what was given is empty/);
  expect(personIn(listed, 'q').participant).toBe(elses);
  expect(personIn(listed, '@alice').participant).toBe(hers);
  expect(() => personIn(listed, 'p')).toThrow(`2 in it are meant by 'p': ${hers} of ${alpha}, ${his} of ${beta}.`);
  expect(() => personIn(listed, '@bob')).toThrow('Nobody of this domain in it is @bob.');
});
