import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONFERENCE_SIGNALS, PARTICIPANT_SIGNALS } from '#signalling/signal.ts';
import { mayMeet } from './access.ts';
import { newConference } from './conference.ts';
import { audienceOf, Pace, SignalPaces } from './signals.ts';
import { ALPHA, anyConference, BETA, conferenceId, GAMMA, local, participantId, side } from './testing.ts';

const person = (name: string, origin: typeof BETA) => ({ name, origin, kinds: [] });

describe('who hears a signal', () => {
  it('is everybody on the anchor and behind the other links', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const anna = local(conference, 'anna');
    const beta = side(conference, BETA, [person('ben', BETA)]);
    const gamma = side(conference, GAMMA, [person('gus', GAMMA)]);
    expect(audienceOf(conference, anna, undefined)).toEqual({ local: true, sides: [beta, gamma] });
    expect(audienceOf(conference, participantId('ben'), beta)).toEqual({ local: true, sides: [gamma] });
  });

  it('is nobody whose domain may not meet that of the one who said it', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    local(conference, 'anna');
    const beta = side(conference, BETA, [person('ben', BETA)], [ALPHA]);
    side(conference, GAMMA, [person('gus', GAMMA)]);
    expect(audienceOf(conference, participantId('ben'), beta)).toEqual({ local: true, sides: [] });
  });

  it('is the own people alone of what comes from the anchor', () => {
    const conference = newConference(conferenceId('c'), BETA, ALPHA);
    const ben = local(conference, 'ben');
    const anchor = side(conference, ALPHA, [person('anna', ALPHA), person('gus', GAMMA)]);
    for (const name of ['anna', 'gus'])
      expect(audienceOf(conference, participantId(name), anchor)).toEqual({ local: true, sides: [] });
    expect(audienceOf(conference, ben, undefined)).toEqual({ local: true, sides: [anchor] });
  });

  it('is nobody where the one who said it is not there, and a forgery where he is on another side', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const anna = local(conference, 'anna');
    const beta = side(conference, BETA, [person('ben', BETA)]);
    side(conference, GAMMA, [person('gus', GAMMA)]);
    expect(audienceOf(conference, participantId('nobody'), beta)).toBeUndefined();
    expect(audienceOf(conference, participantId('ben'), undefined)).toBeUndefined();
    for (const other of [anna, participantId('gus')])
      expect(() => audienceOf(conference, other, beta)).toThrow(
        expect.objectContaining({ code: 'SFT_LINK_FOREIGN_PARTICIPANT' }),
      );
  });

  it('never leaves out somebody who may hear it, and never goes back or to strangers', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        for (const from of conference.sides.values()) {
          for (const { participant, origin } of from.participants.values()) {
            const heard = audienceOf(conference, participant, from);
            for (const to of conference.sides.values())
              expect(heard?.sides.includes(to)).toBe(to !== from && mayMeet(conference, origin, to.peer));
          }
        }
      }),
    );
  });
});

describe('how much is let through', () => {
  it('is a burst, and so many a second after it', () => {
    const pace = new Pace({ perSecond: 5, burst: 10 }, 0);
    const through = (times: number, now: number) => Array.from({ length: times }, () => pace.take(now)).filter(Boolean);
    expect(through(50, 0)).toHaveLength(10);
    expect(through(50, 1_000)).toHaveLength(5);
    expect(through(50, 1_100)).toHaveLength(0);
    expect(pace.isRested(2_900)).toBe(false);
    expect(pace.isRested(3_200)).toBe(true);
    expect(through(50, 1_000_000)).toHaveLength(10);
  });

  it('is limited for each participant, so that one does not take the place of another, and for all of them', () => {
    const paces = new SignalPaces(0);
    const drops = (name: string, times: number) =>
      Array.from({ length: times }, () => paces.take(participantId(name), 0)).filter((drop) => drop !== undefined);
    expect(drops('loud', 1_000)).toEqual(Array.from({ length: 990 }, () => 'participant'));
    expect(drops('quiet', 1)).toEqual([]);
    const left = CONFERENCE_SIGNALS.burst - PARTICIPANT_SIGNALS.burst - 1;
    const all = Array.from({ length: 1_000 }, (_, i) => drops(`p${i}`, 1)).flat();
    expect(all).toEqual(Array.from({ length: 1_000 - left }, () => 'conference'));
  });

  it('forgets those who rest, and nobody else', () => {
    const paces = new SignalPaces(0);
    for (let i = 0; i < 10; i++) paces.take(participantId('loud'), 10_000);
    for (let i = 0; i < 1_000; i++) paces.take(participantId(`p${i}`), 10_000 + i / 1_000);
    expect(paces.take(participantId('loud'), 10_001)).toBe('participant');
  });
});
