import { describe, expect, it } from 'vitest';
import type { ParticipantId, TrunkId } from '#signalling/ids.ts';
import type { SourceKind } from '#signalling/media-profile.ts';
import type { LinkSource } from '#signalling/sft-link.ts';
import type { Permission } from '#signalling/ticket.ts';
import { mayReceive, maySend } from './access.ts';
import {
  addLocal,
  addSide,
  announcedTo,
  type Conference,
  checkPublish,
  isEmpty,
  levelsTold,
  newConference,
  rosterOf,
  type Side,
  sourcesOf,
  speakerTold,
  stateDemand,
  stateLevels,
  statePermissions,
  stateSources,
  stateStreams,
  stateWishes,
  takeWithin,
  UNLIMITED,
} from './conference.ts';
import { wantedOf } from './demand.ts';
import { SILENCE } from './levels.ts';
import { ALPHA, announcement, BETA, conferenceId, GAMMA, local, participantId, side, sourceId } from './testing.ts';
import { voicesOf } from './voices.ts';

const anchored = () => newConference(conferenceId('c'), ALPHA, ALPHA);
const federated = () => newConference(conferenceId('c'), BETA, ALPHA);

describe('the room for a side', () => {
  const people = ['a', 'b', 'c'].map((name) => ({ name, origin: BETA, kinds: ['camera', 'microphone'] as const }));
  const taken = ({ participants, sources }: Side) => [[...participants.keys()], [...sources.keys()]];

  it('is filled in the stated order, and nobody has a source who is not taken', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    stateSources(conference, beta, announcement(1, people), { participants: 2, sources: 3 });
    expect(taken(beta)).toEqual([
      ['a', 'b'].map(participantId),
      ['a-camera', 'a-microphone', 'b-camera'].map(sourceId),
    ]);
  });

  it('takes the rest in without another statement when there is more of it, and lets the last go when there is less', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    stateSources(conference, beta, announcement(1, people), { participants: 0, sources: 9 });
    expect(taken(beta)).toEqual([[], []]);
    expect(takeWithin(conference, beta, UNLIMITED)).toBe(true);
    expect([beta.participants.size, beta.sources.size]).toEqual([3, 6]);
    expect(takeWithin(conference, beta, UNLIMITED)).toBe(false);
    expect(takeWithin(conference, beta, { participants: 1, sources: 1 })).toBe(true);
    expect(taken(beta)).toEqual([[participantId('a')], [sourceId('a-camera')]]);
  });
});

describe('a statement over a link', () => {
  it('counts once: an older or repeated one changes nothing', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    expect(stateSources(conference, beta, announcement(2, [{ name: 'b', origin: BETA, kinds: ['camera'] }]))).toBe(
      true,
    );
    expect(stateSources(conference, beta, announcement(2, []))).toBe(false);
    expect(stateSources(conference, beta, announcement(1, []))).toBe(false);
    expect(beta.sources.size).toBe(1);
    const ready = { seq: 3, ready: 1, since: 1 };
    expect(stateDemand(beta, { ...ready, demands: [{ source: sourceId('x'), layers: [0] }] })).toBe(true);
    expect(stateDemand(beta, { ...ready, demands: [] })).toBe(false);
    expect(beta.demand.size).toBe(1);
  });

  it('may speak to the anchor only for people of its own domain', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    const foreign = announcement(1, [{ name: 'g', origin: GAMMA, kinds: [] }]);
    expect(() => stateSources(conference, beta, foreign)).toThrow(
      expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
    );
    expect(beta.participants.size).toBe(0);
  });

  it('may come from the anchor for everybody but our own people', () => {
    const conference = federated();
    const anchor = addSide(conference, ALPHA);
    const people = [ALPHA, GAMMA].map((origin) => ({ name: origin, origin, kinds: [] }));
    expect(stateSources(conference, anchor, announcement(1, people))).toBe(true);
    const own = announcement(2, [{ name: 'b', origin: BETA, kinds: [] }]);
    expect(() => stateSources(conference, anchor, own)).toThrow(
      expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
    );
  });

  it.each(['participant', 'source'])('cannot take the %s of another side', (kind) => {
    const conference = anchored();
    local(conference, 'a', ['camera']);
    const beta = addSide(conference, BETA);
    const statement = announcement(1, [{ name: kind === 'participant' ? 'a' : 'b', origin: BETA, kinds: ['camera'] }]);
    if (kind === 'source')
      statement.sources = statement.sources.map((entry) => ({ ...entry, source: sourceId('a-camera') }));
    expect(() => stateSources(conference, beta, statement)).toThrow(
      expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
    );
    expect(beta.sources.size).toBe(0);
  });

  it.each([
    ['microphone', 'vp9'],
    ['camera', 'opus'],
  ] as const)('is refused when it names a %s in %s', (kind, codec) => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    const statement = announcement(1, [{ name: 'b', origin: BETA, kinds: [kind] }]);
    statement.sources = statement.sources.map((entry) => ({ ...entry, codec }));
    expect(() => stateSources(conference, beta, statement)).toThrow(expect.objectContaining({ code: 'SIG_SCHEMA' }));
    expect(beta.sources.size).toBe(0);
  });

  it.each([
    ['origin', (entry: LinkSource) => ({ ...entry, origin: ALPHA })],
    ['owner', (entry: LinkSource) => ({ ...entry, participant: participantId('h') })],
    ['kind', (entry: LinkSource) => ({ ...entry, kind: 'screen' as const, layers: [0] })],
  ])('does not change the %s of a source that was announced', (_, change) => {
    const conference = federated();
    const anchor = addSide(conference, ALPHA);
    const people = ['g', 'h'].map((name) => ({ name, origin: GAMMA, kinds: [] as SourceKind[] }));
    const first = announcement(1, [{ name: 'g', origin: GAMMA, kinds: ['camera'] }, ...people.slice(1)]);
    stateSources(conference, anchor, first);
    const sources = first.sources.map(change);
    const participants = first.participants.map((each) => ({
      ...each,
      origin: sources.find(({ participant }) => participant === each.participant)?.origin ?? each.origin,
    }));
    expect(() => stateSources(conference, anchor, { seq: 2, participants, sources })).toThrow(
      expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
    );
    expect([...anchor.sources.values()]).toEqual(first.sources);
    expect(stateSources(conference, anchor, { ...first, seq: 2 })).toBe(true);
  });

  it('gives no second layer to what is no camera, and no second stream to a layer', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    const voice = announcement(1, [{ name: 'b', origin: BETA, kinds: ['microphone'] }]);
    const layered = voice.sources.map((entry) => ({ ...entry, layers: [0, 1] }));
    expect(() => stateSources(conference, beta, { ...voice, sources: layered })).toThrow(
      expect.objectContaining({ code: 'SIG_SCHEMA' }),
    );
    const source = sourceId('b-microphone');
    const streams = [1, 2].map((ssrc) => ({ source, layers: [0], ssrc }));
    stateStreams(beta, { seq: 1, trunk: 'trunk' as TrunkId, streams });
    expect(beta.offered.get(source)).toEqual([{ source, layers: [0], ssrc: 1 }]);
  });

  it('cannot hold the id of somebody who then comes with a ticket', () => {
    const conference = anchored();
    const squatter = [{ name: 'a', origin: BETA, kinds: ['camera' as const] }];
    const beta = side(conference, BETA, squatter);
    local(conference, 'a', ['camera']);
    takeWithin(conference, beta, { participants: 10, sources: 10 });
    expect([beta.participants.size, beta.sources.size]).toEqual([0, 0]);
    expect(rosterOf(conference).map(({ domain }) => domain)).toEqual([ALPHA]);
    expect(() => stateSources(conference, beta, announcement(2, squatter))).toThrow(
      expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
    );
  });

  it('is refused when it names a source of nobody, or two of a kind', () => {
    const conference = anchored();
    const beta = addSide(conference, BETA);
    const statement = announcement(1, [{ name: 'b', origin: BETA, kinds: ['camera'] }]);
    expect(() => stateSources(conference, beta, { ...statement, participants: [] })).toThrow();
    const twice = [
      ...statement.sources,
      ...statement.sources.map((entry) => ({ ...entry, source: sourceId('second') })),
    ];
    expect(() => stateSources(conference, beta, { ...statement, sources: twice })).toThrow();
  });
});

it('announces to a side everybody but the people of that side', () => {
  const conference = anchored();
  local(conference, 'a', ['microphone']);
  const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['camera'] }]);
  const gamma = side(conference, GAMMA, [{ name: 'g', origin: GAMMA, kinds: [] }]);
  expect(announcedTo(conference, beta).participants.map(({ origin }) => origin)).toEqual([ALPHA, GAMMA]);
  expect(announcedTo(conference, gamma).sources.map(({ kind }) => kind)).toEqual(['microphone', 'camera']);
});

it('says by which domains the media of each person comes', () => {
  const conference = federated();
  local(conference, 'b', ['camera']);
  side(conference, ALPHA, [
    { name: 'a', origin: ALPHA, kinds: [] },
    { name: 'g', origin: GAMMA, kinds: [] },
  ]);
  expect(rosterOf(conference).map(({ domain, via }) => [domain, via])).toEqual([
    [BETA, []],
    [ALPHA, [ALPHA]],
    [GAMMA, [ALPHA, GAMMA]],
  ]);
});

it('is empty on the anchor without people and links, and on a federated SFT without people', () => {
  const anchor = anchored();
  expect(isEmpty(anchor)).toBe(true);
  addSide(anchor, BETA);
  expect(isEmpty(anchor)).toBe(false);
  const follower = federated();
  addSide(follower, ALPHA);
  expect(isEmpty(follower)).toBe(true);
  local(follower, 'b');
  expect(isEmpty(follower)).toBe(false);
});

it('lets nobody publish what the ticket does not allow, or two of a kind', () => {
  const conference = anchored();
  const participant = local(conference, 'a', ['camera']);
  const entry = conference.local.get(participant);
  if (!entry) throw new Error('nobody there');
  expect(() => checkPublish(conference, entry, 'camera')).toThrow(
    expect.objectContaining({ code: 'SFT_SOURCE_LIMIT' }),
  );
  expect(() => checkPublish(conference, entry, 'screen')).not.toThrow();
  const other = addLocal(conference, participantId('b'), ['audio']);
  expect(() => checkPublish(conference, other, 'screen')).toThrow(
    expect.objectContaining({ code: 'SFT_NOT_PERMITTED' }),
  );
});

describe('what the homeserver says that participants may send', () => {
  const may = (...permissions: Permission[]): ReadonlySet<Permission> => new Set(permissions);
  const mutedOf = (conference: Conference) =>
    new Map([...sourcesOf(conference)].map(({ source }) => [source.source, source.muted]));

  it('counts before the ticket of whoever is named, and besides it for whoever is not', () => {
    const conference = anchored();
    const [named, other] = [local(conference, 'a'), addLocal(conference, participantId('b'), ['audio']).participant];
    const far = participantId('far');
    statePermissions(conference, { unnamed: may('video'), named: new Map([[named, may('audio', 'screen')]]) });
    const sends = (who: ParticipantId) =>
      (['microphone', 'camera', 'screen'] as const).filter((kind) => maySend(conference, who, kind));
    expect(sends(named)).toEqual(['microphone', 'screen']);
    expect(sends(other)).toEqual([]);
    expect(sends(far)).toEqual(['camera']);
  });

  it('mutes what is here, once, and takes what is behind a link for muted as long as it holds', () => {
    const conference = anchored();
    local(conference, 'a', ['camera', 'microphone']);
    const people = [{ name: 'b', origin: BETA, kinds: ['camera', 'microphone'] as const }];
    const beta = side(conference, BETA, people);
    const hears = () =>
      mayReceive(conference, { kind: 'participant', participant: participantId('a') }, sourceId('b-microphone'));
    expect(hears()).toBe(true);
    const silenced = statePermissions(conference, { unnamed: may('video'), named: new Map() });
    expect(silenced.map(({ source }) => source)).toEqual([sourceId('a-microphone')]);
    expect(statePermissions(conference, { unnamed: may('video'), named: new Map() })).toEqual([]);
    expect(mutedOf(conference)).toEqual(
      new Map([
        [sourceId('a-camera'), false],
        [sourceId('a-microphone'), true],
        [sourceId('b-camera'), false],
        [sourceId('b-microphone'), true],
      ]),
    );
    // A far side that states it anew does not get it through.
    stateSources(conference, beta, announcement(2, people));
    expect(mutedOf(conference).get(sourceId('b-microphone'))).toBe(true);
    expect(wantedOf(conference, beta, 'everything').has(sourceId('b-microphone'))).toBe(false);
    expect(hears()).toBe(false);
    statePermissions(conference, { unnamed: may('video', 'audio'), named: new Map() });
    expect(mutedOf(conference).get(sourceId('b-microphone'))).toBe(false);
    expect(hears()).toBe(true);
    // Whoever was muted here unmutes himself.
    expect(mutedOf(conference).get(sourceId('a-microphone'))).toBe(true);
  });
});

it('takes the newest wishes whatever the order they arrive in', () => {
  const conference = anchored();
  const entry = conference.local.get(local(conference, 'a'));
  if (!entry) throw new Error('nobody there');
  expect(stateWishes(entry, 5, [{ source: sourceId('x'), layer: 2 }])).toBe(true);
  expect(stateWishes(entry, 4, [])).toBe(false);
  expect([...entry.wishes]).toEqual([[sourceId('x'), 2]]);
  expect(participantId('a')).toBe(entry.participant);
});

describe('the levels of a side', () => {
  it('are taken newest only, are forgotten with their sources, and pass on to the other sides without muted ones', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['microphone'] }]);
    const gamma = side(conference, GAMMA, [{ name: 'g', origin: GAMMA, kinds: ['microphone'] }]);
    const level = { source: sourceId('b-microphone'), level: -30 };
    expect(stateLevels(beta, { seq: 2, levels: [level, { source: sourceId('x'), level: -10 }] }, 100)).toBe(true);
    expect(stateLevels(beta, { seq: 2, levels: [] }, 200)).toBe(false);
    expect(levelsTold(conference, gamma)).toEqual([level]);
    expect(levelsTold(conference, beta)).toEqual([]);
    expect(voicesOf(conference)).toMatchObject([
      { source: 'b-microphone____', level: -30, spokeAt: 100 },
      { source: 'g-microphone____', level: SILENCE, spokeAt: undefined },
    ]);
    const microphone = beta.sources.get(level.source);
    if (microphone) microphone.muted = true;
    expect(levelsTold(conference, gamma)).toEqual([]);
    expect(stateLevels(beta, { seq: 3, levels: [{ ...level, level: -61 }] }, 300)).toBe(true);
    expect([...beta.levels.spokeAt]).toEqual([[level.source, 300]]);
    expect(beta.levels.heard.size).toBe(0);
  });

  it('are told, as the speaker is, only to people who may meet', () => {
    const conference = anchored();
    const anna = local(conference, 'a', ['microphone']);
    const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['microphone'] }], [ALPHA]);
    const gamma = side(conference, GAMMA, [], [ALPHA]);
    const levels = [{ source: sourceId('b-microphone'), level: -20 }];
    stateLevels(beta, { seq: 1, levels }, 0);
    const bob = participantId('b');
    const told = () => [levelsTold(conference, gamma).length, speakerTold(conference, gamma, bob)];
    expect(told()).toEqual([0, undefined]);
    expect(speakerTold(conference, gamma, anna)).toBe(anna);
    expect(speakerTold(conference, beta, bob)).toBe(bob);
    for (const domain of [BETA, GAMMA]) conference.allowed.set(domain, new Set([ALPHA, BETA, GAMMA]));
    expect(told()).toEqual([1, bob]);
  });

  it('know a raised hand, here and there', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const anna = local(conference, 'a', ['microphone']);
    const entry = conference.local.get(anna);
    if (entry) entry.hand = true;
    const beta = side(conference, BETA, []);
    const there = announcement(1, [{ name: 'b', origin: BETA, kinds: ['microphone'] }]);
    stateSources(conference, beta, {
      ...there,
      seq: 2,
      participants: there.participants.map((each) => ({ ...each, hand: true })),
    });
    expect(voicesOf(conference).map(({ hand }) => hand)).toEqual([true, true]);
    expect(rosterOf(conference).map(({ hand }) => hand)).toEqual([true, true]);
    expect(announcedTo(conference, beta).participants).toMatchObject([{ participant: anna, hand: true }]);
  });
});
