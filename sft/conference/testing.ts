/** For tests: ids that can be told apart, and conferences made of any mix of sides. */
import fc from 'fast-check';
import type { ConferenceId, DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import { CODECS_OF, type SourceKind } from '#signalling/media-profile.ts';
import { addLocal, addSide, type Conference, newConference, type Side, stateSources } from './conference.ts';

export const ALPHA = 'alpha.example' as DomainName;
export const BETA = 'beta.example' as DomainName;
export const GAMMA = 'gamma.example' as DomainName;
const ALL: readonly DomainName[] = [ALPHA, BETA, GAMMA];

const pad = (text: string, length: number) => text.padEnd(length, '_');
export const conferenceId = (name: string) => pad(name, 22) as ConferenceId;
export const participantId = (name: string) => pad(name, 22) as ParticipantId;
export const sourceId = (name: string) => pad(name, 16) as SourceId;

/** The usual codec of a kind of source. */
export const codecOf = (kind: SourceKind) => CODECS_OF[kind][0] ?? 'vp8';

const LAYERS: Record<SourceKind, number[]> = { camera: [0, 1, 2], screen: [0], microphone: [0] };

/** Somebody connected to this SFT, who publishes the kinds. */
export function local(conference: Conference, name: string, kinds: readonly SourceKind[] = []): ParticipantId {
  const participant = participantId(name);
  const entry = addLocal(conference, participant, ['audio', 'video', 'screen']);
  entry.receives = true;
  for (const kind of kinds) {
    const source = sourceId(`${name}-${kind}`);
    entry.sources.set(source, { source, participant, kind, codec: codecOf(kind), layers: LAYERS[kind], muted: false });
  }
  return participant;
}

export interface Far {
  readonly name: string;
  readonly origin: DomainName;
  readonly kinds: readonly SourceKind[];
}

export function announcement(seq: number, people: readonly Far[]) {
  return {
    seq,
    participants: people.map(({ name, origin }) => ({ participant: participantId(name), origin, hand: false })),
    sources: people.flatMap(({ name, origin, kinds }) =>
      kinds.map((kind) => ({
        source: sourceId(`${name}-${kind}`),
        participant: participantId(name),
        origin,
        kind,
        codec: codecOf(kind),
        layers: LAYERS[kind],
        muted: false,
      })),
    ),
  };
}

/** A link to the peer with people behind it, who offer streams for all they publish; they may meet the domains. */
export function side(conference: Conference, peer: DomainName, people: readonly Far[], meets = ALL): Side {
  conference.allowed.set(peer, new Set(meets));
  const added = addSide(conference, peer);
  stateSources(conference, added, announcement(1, people));
  added.offered = new Map(
    [...added.sources.values()].map(({ source, layers }) => [
      source,
      layers.map((layer) => ({ source, layers: [layer], ssrc: 1_000 + layer })),
    ]),
  );
  return added;
}

const kinds = fc.uniqueArray(fc.constantFrom<SourceKind>('camera', 'microphone', 'screen'));

/** Any conference with alpha as anchor: people of alpha here, and of beta and gamma behind links, who may meet or not. */
export const anyConference: fc.Arbitrary<Conference> = fc
  .record({
    here: fc.array(kinds, { maxLength: 3 }),
    beta: fc.option(fc.array(kinds, { maxLength: 3 })),
    gamma: fc.option(fc.array(kinds, { maxLength: 3 })),
    strangers: fc.boolean(),
    wish: fc.func(fc.option(fc.integer({ min: 0, max: 2 }))),
    demand: fc.func(fc.subarray([0, 1, 2])),
  })
  .map(({ here, beta, gamma, strangers, wish, demand }) => {
    const conference = newConference(conferenceId('c'), ALPHA, ALPHA);
    for (const [i, published] of here.entries()) local(conference, `a${i}`, published);
    for (const [peer, people] of [
      [BETA, beta],
      [GAMMA, gamma],
    ] as const) {
      if (people)
        side(
          conference,
          peer,
          people.map((published, i) => ({ name: `${peer[0]}${i}`, origin: peer, kinds: published })),
          strangers ? [ALPHA] : ALL,
        );
    }
    const all = ['a', 'b', 'g'].flatMap((d) => [0, 1, 2].map((i) => sourceId(`${d}${i}-camera`)));
    for (const viewer of conference.local.values()) {
      viewer.wishes = new Map(
        all.flatMap((source) => {
          const layer = wish(viewer.participant, source);
          return layer === null ? [] : [[source, layer] as const];
        }),
      );
    }
    for (const each of conference.sides.values()) {
      each.demand = new Map(all.map((source) => [source, demand(each.peer, source)]));
    }
    return conference;
  });
