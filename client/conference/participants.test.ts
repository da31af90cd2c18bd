import { describe, expect, it } from 'vitest';
import type { CallMember } from '#signalling/client-home.ts';
import type { Roster } from '#signalling/client-sft.ts';
import type { DomainName, ParticipantId, SourceId } from '#signalling/ids.ts';
import { type Known, participantsOf } from './participants.ts';

const member = (participant: string, domain: string, name: string) =>
  ({ participant, user: `mimi://${domain}/u/${name}`, domain, name }) as CallMember;

const known: Known<string> = {
  me: 'me' as ParticipantId,
  domain: 'alpha.example' as DomainName,
  decodes: () => true,
  roster: {
    seq: 1,
    participants: [
      { participant: 'me', domain: 'alpha.example', via: [], hand: false, sources: [] },
      {
        participant: 'bob',
        domain: 'beta.example',
        via: ['beta.example'],
        hand: true,
        sources: [{ source: 'face', kind: 'camera', codec: 'vp8', layers: [0, 1], muted: false }],
      },
    ],
  } as unknown as Roster,
  members: [member('bob', 'beta.example', 'Bob')],
  incoming: new Map([
    ['c2', { consumer: 'c2', source: 'face' as SourceId, layers: [1, 2], media: 'large track' }],
    ['c1', { consumer: 'c1', source: 'face' as SourceId, layers: [0], media: 'small track', layer: 0 }],
  ]),
};

describe('participantsOf', () => {
  it('names everybody but oneself and says what arrives', () => {
    expect(participantsOf(known)).toEqual([
      {
        participant: 'bob',
        domain: 'beta.example',
        foreign: true,
        person: { user: 'mimi://beta.example/u/Bob', name: 'Bob' },
        via: ['beta.example'],
        hand: true,
        sources: [
          {
            source: 'face',
            kind: 'camera',
            codec: 'vp8',
            decodable: true,
            layers: [0, 1],
            muted: false,
            renditions: [
              { consumer: 'c1', layers: [0], media: 'small track', layer: 0 },
              { consumer: 'c2', layers: [1, 2], media: 'large track' },
            ],
          },
        ],
      },
    ]);
  });

  it('says what this device cannot decode', () => {
    const sources = participantsOf({ ...known, decodes: (codec) => codec !== 'vp8' })[0]?.sources;
    expect(sources?.map(({ decodable }) => decodable)).toEqual([false]);
  });

  it('gives no name while the homeserver has not said it', () => {
    expect(participantsOf({ ...known, members: [] })[0]).not.toHaveProperty('person');
  });

  it('gives no name where SFT and homeserver disagree about the organisation', () => {
    const members = [member('bob', 'alpha.example', 'Carol')];
    expect(participantsOf({ ...known, members })[0]).not.toHaveProperty('person');
  });
});
