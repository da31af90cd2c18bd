import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayReceive } from './access.ts';
import { announcedTo, type Conference, newConference, sourcesOf } from './conference.ts';
import { wantedOf } from './demand.ts';
import { planOf } from './plan.ts';
import { ALPHA, anyConference, BETA, conferenceId, GAMMA, local, side, sourceId } from './testing.ts';

/** What is asked of each side in the mode `everything`, without memory. */
function wantedByAll(conference: Conference) {
  return new Map([...conference.sides.values()].map((each) => [each.peer, wantedOf(conference, each, 'everything')]));
}

describe('the plan', () => {
  it('gives no viewer his own sources, nothing unknown, and each picture only when he wishes it', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        const plan = planOf(conference, wantedByAll(conference));
        for (const [participant, subscriptions] of plan.viewers) {
          const wishes = conference.local.get(participant)?.wishes;
          for (const { source, layer } of subscriptions) {
            const located = [...sourcesOf(conference)].find((candidate) => candidate.source.source === source);
            expect(located?.source.participant).not.toBe(participant);
            if (located?.source.kind !== 'microphone') expect(wishes?.get(source)).toBe(layer);
          }
          const voices = [...sourcesOf(conference)].filter(
            ({ source }) => source.kind === 'microphone' && source.participant !== participant,
          );
          const heard = new Set(subscriptions.map(({ source }) => source));
          for (const { source } of voices) expect(heard.has(source.source)).toBe(true);
        }
      }),
    );
  });

  it('sends no side its own sources back, and no layer that it did not ask for', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        for (const [peer, { outgoing }] of planOf(conference, wantedByAll(conference)).sides) {
          const asked = conference.sides.get(peer);
          for (const [source, { layers, wanted }] of outgoing) {
            expect(asked?.sources.has(source)).toBe(false);
            for (const layer of wanted) {
              expect(asked?.demand.get(source)).toContain(layer);
              expect(layers).toContain(layer);
            }
          }
        }
      }),
    );
  });

  it('is the same for the same state', () => {
    fc.assert(
      fc.property(anyConference, (conference) => {
        expect(planOf(conference, wantedByAll(conference))).toEqual(planOf(conference, wantedByAll(conference)));
      }),
    );
  });

  it('sends nothing of a muted source', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const entry = conference.local.get(local(conference, 'a', ['microphone']));
    const beta = side(conference, BETA, []);
    beta.demand = new Map([[sourceId('a-microphone'), [0]]]);
    const wanted = () =>
      planOf(conference, wantedByAll(conference)).sides.get(BETA)?.outgoing.get(sourceId('a-microphone'))?.wanted;
    expect(wanted()).toEqual([0]);
    for (const source of entry?.sources.values() ?? []) source.muted = true;
    expect(wanted()).toEqual([]);
  });

  it('lets only those voices run that may cross, whatever a side demands, and pictures as before', () => {
    fc.assert(
      fc.property(anyConference, fc.func(fc.boolean()), (conference, may) => {
        const all = [...sourcesOf(conference)].map(({ source }) => source);
        for (const each of conference.sides.values()) {
          each.demand = new Map(all.map(({ source, layers }) => [source, layers]));
        }
        const voices = new Set(all.map(({ source }) => source).filter((source) => may(source)));
        const demands = wantedByAll(conference);
        const without = planOf(conference, demands);
        for (const [peer, { outgoing }] of planOf(conference, demands, voices).sides) {
          for (const [source, { wanted }] of outgoing) {
            const isVoice = all.find((each) => each.source === source)?.kind === 'microphone';
            const unlimited = without.sides.get(peer)?.outgoing.get(source)?.wanted;
            expect(wanted).toEqual(isVoice && !voices.has(source) ? [] : unlimited);
          }
        }
      }),
    );
  });

  it('receives no stream of a source that was not announced', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['microphone'] }]);
    beta.offered = new Map([
      [sourceId('b-microphone'), [{ source: sourceId('b-microphone'), layers: [0], ssrc: 1 }]],
      [sourceId('nobody'), [{ source: sourceId('nobody'), layers: [0], ssrc: 2 }]],
    ]);
    expect([...(planOf(conference, wantedByAll(conference)).sides.get(BETA)?.incoming.keys() ?? [])]).toEqual([
      sourceId('b-microphone'),
    ]);
  });
});

it('receives no layer that was not announced, and asks nobody for what only a liar demands', () => {
  const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
  const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['screen'] }], [ALPHA]);
  const gamma = side(conference, GAMMA, [{ name: 'g', origin: GAMMA, kinds: ['camera'] }], [ALPHA]);
  const screen = sourceId('b-screen');
  beta.offered = new Map([[screen, [0, 1, 2].map((layer) => ({ source: screen, layers: [layer], ssrc: 1 + layer }))]]);
  beta.demand = new Map([[sourceId('g-camera'), [0, 1, 2]]]);
  const plan = planOf(conference, new Map());
  expect(plan.sides.get(BETA)?.incoming.get(screen)).toEqual([{ source: screen, layers: [0], ssrc: 1 }]);
  for (const mode of ['everything', 'sources', 'layers'] as const) {
    expect(wantedOf(conference, gamma, mode).size).toBe(0);
  }
});

describe('access', () => {
  it('keeps conferences apart: nobody of one may receive a source of another', () => {
    fc.assert(
      fc.property(anyConference, anyConference, (one, other) => {
        // The same names in both: only the conference tells them apart.
        const foreign = newConference(conferenceId('d'), ALPHA, ALPHA);
        local(foreign, 'stranger', ['camera']);
        for (const conference of [one, other]) {
          for (const participant of conference.local.keys()) {
            expect(mayReceive(conference, { kind: 'participant', participant }, sourceId('stranger-camera'))).toBe(
              false,
            );
          }
          for (const each of conference.sides.values()) {
            expect(mayReceive(foreign, { kind: 'side', side: each }, sourceId('stranger-camera'))).toBe(false);
          }
        }
      }),
    );
  });

  it('lets two organisations meet only where both are allowed in with the other', () => {
    const meets = fc.subarray([ALPHA, BETA, GAMMA]);
    fc.assert(
      fc.property(meets, meets, (ofBeta, ofGamma) => {
        const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
        const participant = local(conference, 'a', ['camera']);
        const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['camera'] }], ofBeta);
        const gamma = side(conference, GAMMA, [{ name: 'g', origin: GAMMA, kinds: ['camera'] }], ofGamma);
        const both = ofBeta.includes(GAMMA) && ofGamma.includes(BETA);
        for (const [to, of] of [
          [beta, 'g'],
          [gamma, 'b'],
        ] as const) {
          expect(mayReceive(conference, { kind: 'side', side: to }, sourceId(`${of}-camera`))).toBe(both);
          // The anchor's own people are always in, whatever the grant names.
          expect(mayReceive(conference, { kind: 'side', side: to }, sourceId('a-camera'))).toBe(true);
          expect(mayReceive(conference, { kind: 'participant', participant }, sourceId(`${of}-camera`))).toBe(true);
          const { participants, sources } = announcedTo(conference, to);
          expect(participants.some(({ origin }) => origin !== ALPHA)).toBe(both);
          expect(sources.some(({ origin }) => origin !== ALPHA)).toBe(both);
          expect(
            planOf(conference, wantedByAll(conference))
              .sides.get(to.peer)
              ?.outgoing.has(sourceId(`${of}-camera`)),
          ).toBe(both);
        }
      }),
    );
  });

  it('lets nobody in who was not allowed, though the link stands', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const participant = local(conference, 'a', ['camera']);
    const beta = side(conference, BETA, [{ name: 'b', origin: BETA, kinds: ['camera'] }]);
    conference.allowed.clear();
    expect(mayReceive(conference, { kind: 'side', side: beta }, sourceId('a-camera'))).toBe(false);
    expect(mayReceive(conference, { kind: 'participant', participant }, sourceId('b-camera'))).toBe(false);
    expect(announcedTo(conference, beta)).toEqual({ participants: [], sources: [] });
  });

  it('ends with the side and with the participant', () => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    const participant = local(conference, 'a', ['camera']);
    local(conference, 'b');
    const gamma = side(conference, GAMMA, []);
    const may = () => mayReceive(conference, { kind: 'side', side: gamma }, sourceId('a-camera'));
    expect(may()).toBe(true);
    conference.sides.delete(GAMMA);
    expect(may()).toBe(false);
    conference.sides.set(GAMMA, gamma);
    conference.local.delete(participant);
    expect(may()).toBe(false);
  });
});
